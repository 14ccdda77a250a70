"""Names borne in England's communities, commonest first within each list.

Plain facts, put down from general knowledge of birth registrations and census reports; no list was
copied. They are chosen to be awkward for searches too: apostrophes, hyphens, diacritics, short
names, names shared by several communities in several spellings, names that serve either way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Community:
    """The names that families of one community bear and give, commonest first."""

    family: tuple[str, ...]
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    women: tuple[str, ...]
    """Given names of the parents' generation."""

    men: tuple[str, ...]
    girls_second: tuple[str, ...] = ()
    boys_second: tuple[str, ...] = ()
    """Second given names, where they are usual."""

    women_family: tuple[str, ...] = ()
    """Family names that only women bear."""

    women_keep_their_names: bool = False
    """Whether a mother usually bears another family name than her husband and children."""

    def by_frequency(self) -> Community:
        """These names, each repeated so that a fair draw gives the first ones more often."""
        return Community(
            family=_by_rank(self.family),
            girls=_by_rank(self.girls),
            boys=_by_rank(self.boys),
            women=_by_rank(self.women),
            men=_by_rank(self.men),
            girls_second=_by_rank(self.girls_second),
            boys_second=_by_rank(self.boys_second),
            women_family=_by_rank(self.women_family),
            women_keep_their_names=self.women_keep_their_names,
        )


def _by_rank(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        name for rank, name in enumerate(names) for _ in range(max(1, round(12 / (1 + rank / 8))))
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.replace("\n", " ").split(",") if name.strip())


_GIRLS_SECOND = _names("""
    Rose, Grace, Mae, May, Louise, Elizabeth, Marie, Jane, Anne, Faith, Hope, Jean, Margaret,
    Catherine, Ann, Leigh, Joy, Eve, Pearl, Dawn
""")
_BOYS_SECOND = _names("""
    James, William, Thomas, John, David, Lee, Michael, George, Alexander, Joseph, Robert, Peter,
    Paul, Edward, Jack, Stephen, Patrick, Alan, Ray, Dean
""")

_BRITISH = Community(
    family=_names("""
        Smith, Jones, Taylor, Brown, Williams, Wilson, Johnson, Davies, Robinson, Wright, Thompson,
        Evans, Walker, White, Roberts, Green, Hall, Wood, Jackson, Clarke, Clark, Harrison, Cooper,
        Ward, Turner, Hughes, Edwards, Hill, Martin, Moore, Harris, Thomas, Lewis, Morris, Baker,
        King, Allen, Scott, Parker, Cook, Shaw, Bennett, Carter, Watson, Mitchell, Bailey, Morgan,
        Marshall, Richardson, Kelly, Phillips, Adams, Miller, Lee, Cox, Price, Griffiths, Webb,
        Murphy, Stevens, Ellis, Barker, Mason, Knight, Rogers, Hunt, Palmer, Matthews, Holmes,
        Gibson, Mills, Lloyd, Chapman, Butler, Campbell, Fisher, Barnes, Russell, Simpson, Pearson,
        Collins, Stewart, Powell, Foster, Reynolds, Gray, Dixon, Fletcher, Atkinson, Ball, Booth,
        Armstrong, Walsh, Harvey, Hudson, Burton, Elliott, Spencer, Newton, Bradley, Hargreaves,
        O'Brien, O'Connor, O'Neill, O'Sullivan, O'Reilly, McDonald, MacDonald, McCarthy, McKenzie,
        MacLeod, McGrath, McLoughlin, FitzGerald, Fitzpatrick, Gallagher, Doherty, Byrne, Brennan,
        Kavanagh, Duffy, Quinn, Keane, Sheridan, Sykes, Hinchliffe, Earnshaw, Ogden, Entwistle,
        Ramsbottom, Ashworth, Greenwood, Sutcliffe, Crabtree, Cartwright, Wainwright, Arkwright,
        Ainsworth, Clegg, Lomax, Kershaw, Haigh, Beaumont, Crossley, Micklethwaite, Oldroyd,
        Thackray, Braithwaite, Pickles, Metcalfe, Hepworth, Whitehead, Whittaker, Whitaker,
        Winterbottom, Featherstone, Stephenson, Stevenson, Robson, Charlton, Milburn, Heslop,
        Pye, Fry, Day, May, Dunn, Nunn, Poole, Read, Reid, Reed, Wells, Nash, Page, Bird, Lamb,
        Fox, Hawkins, Gregory, Lawrence, Osborne, Carr, Savage, Sharp, Sharpe, Thorpe, Nicholson,
        Nicholls, Hopkins, Jenkins, Rees, Rhys-Jones, Pritchard, Bevan, Bowen, Parry, Llewellyn,
        Sinclair, Douglas, Cameron, Ferguson, Crawford, Buchanan, St. John, D'Arcy, De Souza,
        Le Fevre, Lovell, Boswell, Penfold, Hearn, Loveridge, Gaskin, Connors, Maughan, Ward-Hughes,
        Barton-Clarke, Smith-Rowe, Taylor-Joy, Whitfield, Underwood, Attwood, Heathcote, Birch
    """),
    girls=_names("""
        Olivia, Amelia, Isla, Ava, Lily, Freya, Florence, Ivy, Willow, Elsie, Mia, Isabella, Grace,
        Evie, Sophia, Daisy, Poppy, Rosie, Ella, Charlotte, Emily, Sophie, Isabelle, Millie,
        Evelyn, Phoebe, Harper, Matilda, Sienna, Maisie, Alice, Emilia, Ruby, Eva, Penelope,
        Robyn, Luna, Jessica, Chloe, Lottie, Erin, Eliza, Thea, Mila, Violet, Bonnie, Arabella,
        Aurora, Hallie, Orla, Imogen, Darcie, Darcey, Holly, Molly, Amber, Lucy, Scarlett, Layla,
        Ellie, Zara, Eleanor, Esme, Esmé, Nancy, Martha, Beatrice, Beatrix, Ophelia, Edith, Mabel,
        Harriet, Maeve, Niamh, Saoirse, Ciara, Aoife, Sadie, Heidi, Lyla, Lila, Lilah, Leila,
        Summer, Skye, Skyla, Jasmine, Megan, Abigail, Abbie, Caitlin, Kaitlyn, Katelyn, Paige,
        Lexi, Lacey, Lacey-Mae, Ellie-Mae, Lily-Rose, Ava-Rose, Amelia-Rose, Gracie, Gracie-Mae,
        Maddison, Madison, Zoë, Chloë, Anaïs, Renée, Georgia, Georgina, Tilly, Annabelle, Bella,
        Ada, Iris, Clara, Rose, Margot, Delilah, Nellie, Dolly, Betsy, Winnie, Wren, Fern, Hazel,
        Heather, Francesca, Gabriella, Hannah, Naomi, Miriam, Rebecca, Leah, Rachel, Sarah, Sara,
        Anna, Hanna, Elena, Elizabeth, Victoria, Alexandra, Lara, Lena, Maya, Maia, Nina, Tessa
    """),
    boys=_names("""
        Noah, Oliver, George, Arthur, Leo, Harry, Oscar, Archie, Henry, Theodore, Freddie, Jack,
        Charlie, Theo, Alfie, Jacob, Thomas, Finley, Arlo, William, Lucas, Roman, Tommy, Isaac,
        Teddy, Alexander, Luca, Edward, James, Joshua, Albie, Elijah, Max, Reuben, Mason, Rory,
        Sebastian, Ezra, Jude, Louie, Louis, Joseph, Benjamin, Hunter, Hugo, Ronnie, Reggie,
        Frankie, Ralph, Albert, Logan, Adam, Toby, Bobby, Jaxon, Jaxson, Jackson, Harrison, Ethan,
        Daniel, Samuel, Dylan, Caleb, Otis, Otto, Rowan, Felix, Jasper, Stanley, Ellis, Elliot,
        Elliott, Eliot, Finn, Fionn, Ezekiel, Kit, Nathan, Riley, Tyler, Callum, Calum, Connor,
        Conor, Cillian, Oisín, Seán, Shaun, Shay, Liam, Aidan, Aiden, Kian, Kai, Kayden, Jayden,
        Brodie, Blake, Carter, Carson, Cody, Dexter, Dominic, Eden, Evan, Ewan, Gabriel, Gethin,
        Grayson, Greyson, Harvey, Ibrahim, Jenson, John-Paul, Jonah, Kyle, Lewis, Luke, Marley,
        Matthew, Michael, Milo, Myles, Miles, Nathaniel, Nicholas, Ollie, Owen, Parker, Patrick,
        Percy, Rafferty, Rhys, Reece, Robert, Robin, Ruben, Ryan, Rufus, Sonny, Sunny, Spencer,
        Tobias, Vincent, Wilfred, Xander, Zac, Zachary, Zack, Alfred, Alfie-Jay, Tommy-Lee, Bowie
    """),
    women=_names("""
        Sarah, Laura, Gemma, Emma, Rebecca, Claire, Victoria, Samantha, Rachel, Amy, Jennifer,
        Nicola, Katie, Lisa, Kelly, Natalie, Louise, Michelle, Hayley, Hannah, Helen, Charlotte,
        Joanne, Lucy, Elizabeth, Leanne, Danielle, Donna, Katherine, Clare, Stephanie, Stacey,
        Lauren, Jane, Kerry, Emily, Catherine, Sophie, Anna, Jessica, Zoe, Kirsty, Kimberley,
        Kate, Jenna, Caroline, Natasha, Rachael, Amanda, Karen, Alison, Alexandra, Jodie, Chloe,
        Megan, Bethany, Jade, Shannon, Abigail, Holly, Toni, Carly, Cheryl, Tracey, Sinéad, Siobhan,
        Bridget, Kayleigh, Kayley, Chantelle, Ashleigh, Ashley, Stacy, Robyn, Georgina, Heather,
        Marie, Rosie, Eleanor, Beth, Sian, Bronwen, Fiona, Morag, Eilidh, Catriona, Tamsin
    """),
    men=_names("""
        Christopher, James, David, Daniel, Michael, Matthew, Andrew, Richard, Paul, Mark, Thomas,
        Adam, Robert, John, Lee, Benjamin, Steven, Jonathan, Craig, Stephen, Simon, Nicholas,
        Peter, Anthony, Alexander, Gary, Ian, Ryan, Darren, Barry, Ashley, Phillip, Stuart, Neil,
        Samuel, Jamie, Dean, Luke, Joseph, Kevin, William, Scott, Carl, Ben, Martin, Edward,
        Gareth, Joshua, Liam, Sean, Shane, Wayne, Jason, Karl, Aaron, Nathan, Jack, Callum,
        Kieran, Connor, Jordan, Kyle, Jake, Bradley, Lewis, George, Patrick, Declan, Brendan,
        Rhys, Geraint, Alasdair, Hamish, Graham, Russell, Damian, Marcus, Dominic, Tim, Glen
    """),
    girls_second=_GIRLS_SECOND,
    boys_second=_BOYS_SECOND,
)

_CORNISH = Community(
    family=_names("""
        Rowe, Pascoe, Thomas, Richards, Harris, Hocking, Stephens, Bray, Trevena, Tregenza,
        Trethewey, Tremayne, Penrose, Penhaligon, Pengelly, Polglase, Polkinghorne, Nancarrow,
        Nance, Curnow, Chegwidden, Angove, Bolitho, Carlyon, Couch, Hosking, Jago, Jenkin, Kitto,
        Lanyon, Moyle, Opie, Rosewarne, Spargo, Teague, Trebilcock, Tregear, Trelawny, Trewin,
        Uren, Vivian, Williams, Roberts, Martin, Oates, Truscott, Varcoe, Berryman, Nicholls
    """),
    girls=_names("""
        Elowen, Isla, Morwenna, Kerensa, Tamsin, Demelza, Jenna, Lowenna, Tegen, Wenna, Rosenwyn,
        Loveday, Olivia, Poppy, Ivy, Florence, Merryn, Senara, Eseld, Bryluen, Daisy, Lily
    """),
    boys=_names("""
        Jago, Piran, Denzel, Jowan, Kitto, Petroc, Myghal, Perran, Cadan, Gawen, Ruan, Trystan,
        Noah, Arthur, George, Oliver, Jory, Massen, Tomas, Kenver, Henry, Hedrek
    """),
    women=_BRITISH.women,
    men=_BRITISH.men,
    girls_second=_GIRLS_SECOND,
    boys_second=_BOYS_SECOND,
)

_CARIBBEAN = Community(
    family=_names("""
        Campbell, Brown, Williams, Clarke, Grant, Francis, Gordon, Henry, Morgan, Bailey, Reid,
        Lewis, Joseph, Charles, Stewart, Walters, Johnson, Samuels, Bennett, McKenzie, McFarlane,
        Richards, Palmer, Powell, Dacosta, Edwards, Ferguson, Anderson, Barrett, Blake, Levy,
        Pinnock, Facey, Gayle, Hylton, Lawes, Maragh, Nembhard, St. Louis, St. Hilaire, Baptiste,
        Jean-Baptiste, Daley, Dixon, Forbes, Wint, Prendergast, Tulloch
    """),
    girls=_names("""
        Amara, Zuri, Aaliyah, Aliyah, Nevaeh, Kayla, Shanice, Tianna, Renae, Imani, Keziah, Kezia,
        Naomi, Ruby, Grace, Esme, Maya, Jada, Layla, Destiny, Skye, Nyla, Amelia, Anaya, Zion
    """),
    boys=_names("""
        Malachi, Isaiah, Elijah, Josiah, Tyrese, Jaden, Jayden, Kymani, Micah, Marley, Amari,
        Ezra, Nathaniel, Zion, Kai, Jerome, Dante, Dre, Andre, André, Reuben, Caleb, Theo, Rico
    """),
    women=_names("""
        Natasha, Simone, Chantelle, Marcia, Michelle, Tanya, Alicia, Jade, Sasha, Kerry-Ann,
        Shereen, Latoya, Leanne, Donna-Marie, Yvonne, Beverley, Nadine, Rochelle, Candice, Keisha
    """),
    men=_names("""
        Marcus, Jermaine, Leroy, Delroy, Winston, Devon, Andre, Jason, Curtis, Carlton, Nathan,
        Aaron, Tyrone, Dwayne, Leon, Errol, Kevin, Ricardo, Omari, Courtney
    """),
    girls_second=_GIRLS_SECOND,
    boys_second=_BOYS_SECOND,
)

_PAKISTANI = Community(
    family=_names("""
        Khan, Hussain, Ahmed, Ali, Mahmood, Akhtar, Iqbal, Shah, Malik, Mohammed, Hussein,
        Mirza, Butt, Chaudhry, Chaudhary, Choudhry, Rafiq, Rashid, Saleem, Aslam, Bashir, Javed,
        Nawaz, Riaz, Sadiq, Yousaf, Zaman, Zafar, Qureshi, Siddiqui, Raja, Rehman, Rahman, Ashraf,
        Azam, Farooq, Ghafoor, Hanif, Latif, Majid, Saeed, Shabir, Tariq,
        Ul-Haq, Abbasi, Bhatti, Gilani, Dar
    """),
    girls=_names("""
        Fatima, Maryam, Aisha, Ayesha, Aishah, Zainab, Zaynab, Khadija, Khadijah, Hafsa, Amina,
        Aminah, Hania, Haniya, Inaya, Inayah, Anaya, Anaiya, Sumaiya, Sumayyah, Iqra, Laiba, Zara,
        Zahra, Mahnoor, Noor, Hoorain, Eshal, Ayat, Safa, Sana, Alina, Alishba, Eliza, Aleena,
        Minahil, Javeria, Rabia, Hira, Sidra, Umaiza, Zoya, Mariam, Areeba, Manahil
    """),
    boys=_names("""
        Muhammad, Mohammed, Mohammad, Ibrahim, Yusuf, Yousuf, Musa, Isa, Eesa, Zakariya, Zakaria,
        Adam, Aadam, Ayaan, Ayan, Rayan, Rayyan, Hamza, Hamzah, Umar, Uthman, Usman, Ali, Hassan,
        Hasan, Hussain, Bilal, Zayn, Zain, Zayd, Zaid, Haris, Harris, Daud, Dawud, Ismail, Ismaeel,
        Idris, Mikaeel, Subhan, Sufyan, Abdullah, Abdul-Rahman, Abdur-Rahman, Ahmed, Ahmad, Aariz
    """),
    women=_names("""
        Shazia, Nazia, Saima, Saira, Samina, Rukhsana, Shabana, Farzana, Nasreen, Yasmin, Yasmeen,
        Rubina, Tahira, Sadia, Sobia, Asma, Aisha, Fatima, Maria, Mariam, Iram, Uzma, Bushra,
        Naila, Nadia, Amna, Zaynab, Sana, Sidra, Shamim, Humaira, Robina
    """),
    men=_names("""
        Mohammed, Imran, Asif, Tariq, Shahid, Zahid, Khalid, Naveed, Nadeem, Kashif, Adnan,
        Waseem, Amjad, Arshad, Sajid, Tahir, Usman, Faisal, Bilal, Adeel, Irfan, Rizwan, Shabir,
        Haroon, Zubair, Yasir, Majid, Nasir, Pervez, Mohammad, Abdul, Saqib
    """),
    women_family=_names("Bibi, Begum, Akhtar, Parveen, Kauser, Jabeen, Bano, Fatima"),
)

_BANGLADESHI = Community(
    family=_names("""
        Miah, Uddin, Ahmed, Islam, Rahman, Ali, Hussain, Choudhury, Chowdhury,
        Hoque, Haque, Alam, Hossain, Kamali, Karim, Khan,
        Ullah, Rahim, Malik, Rob, Quddus, Shikdar, Sarkar, Talukdar, Mozumder, Bhuiyan
    """),
    girls=_names("""
        Fatima, Maryam, Aisha, Ayesha, Inaya, Anisa, Anika, Tahmina, Tasnim, Tasnia, Nusaibah,
        Safiya, Zara, Zahra, Raisa, Raida, Ruqayyah, Hafsah, Sumaiyah, Samiha, Sadia, Nabiha,
        Maisha, Mehjabin, Humaira, Amira, Arisha, Jannah, Khadijah
    """),
    boys=_names("""
        Muhammad, Mohammed, Yusuf, Ibrahim, Adam, Musa, Zakariya, Ayaan, Rayhan, Raihan, Tahmid,
        Tanvir, Tawhid, Mahdi, Mahir, Sami, Samir, Nabil, Fahim, Faheem, Ehsan, Arham, Ishaq,
        Yahya, Hamza, Imran, Zayan, Ridwan, Saif, Jibril
    """),
    women=_names("""
        Shahena, Rahena, Sultana, Nazma, Rehana, Shamima, Salma, Husna, Fahmida, Taslima, Jahanara,
        Rina, Lipi, Ruksana, Nasima, Hasina, Momtaz, Tahera, Ayesha, Sabina, Farhana, Nilufa
    """),
    men=_names("""
        Mohammed, Abdul, Shah, Kamal, Jamal, Anwar, Faruk, Shahin, Rafique, Nurul, Mizanur,
        Rezaul, Aminur, Habibur, Mahbub, Monir, Ruhul, Shofiqul, Delwar, Belal, Syed, Saiful
    """),
    women_family=_names("Begum, Khatun, Khanom, Akther, Khanam, Sultana, Akter, Bibi"),
    women_keep_their_names=True,
)

_PUNJABI = Community(
    family=_names("""
        Singh, Gill, Sandhu, Dhillon, Sidhu, Bains, Grewal, Dhaliwal, Johal, Sahota, Mann, Rai,
        Virdee, Bhogal, Sohal, Chahal, Atwal, Uppal, Kang, Randhawa, Sangha, Nijjar, Purewal, Deol,
        Bansal, Sehmi, Matharu, Panesar, Kumar, Lal
    """),
    girls=_names("""
        Jasleen, Harleen, Simran Kaur, Avneet Kaur, Gurleen Kaur, Amrit, Kiran, Anaya, Ria, Jaya,
        Japji Kaur, Ravneet, Sehaj, Mehar, Asees, Nimrat, Keerat Kaur, Ela, Maya, Leela, Isha
    """),
    boys=_names("""
        Arjan Singh, Gurvir Singh, Harjot Singh, Jovan, Fateh, Zorawar Singh, Karan, Arjun, Dilan,
        Jeevan, Kabir, Veer, Avneet, Ranveer, Sahib Singh, Jaskaran, Manvir, Rohan, Jai, Ethan
    """),
    women=_names("""
        Harpreet, Manpreet, Jaspreet, Kulwinder, Rajvinder, Sukhjit, Gurpreet, Amandeep, Baljit,
        Kamaljit, Mandeep, Navdeep, Parminder, Ravinder, Sharon, Simran, Jasbir, Kiran, Sonia
    """),
    men=_names("""
        Harpreet, Gurpreet, Jaspal, Sukhdev, Balwinder, Amandeep, Jagdeep, Kuldip, Mandeep,
        Manjit, Narinder, Parminder, Rajinder, Surjit, Sukhvinder, Inderjit, Davinder, Ranjit
    """),
    women_family=_names("Kaur"),
)

_GUJARATI_AND_HINDI = Community(
    family=_names("""
        Patel, Shah, Sharma, Desai, Mistry, Parmar, Chauhan, Solanki, Joshi, Mehta, Modi, Lad,
        Gandhi, Vaghela, Pandya, Bhatt, Trivedi, Thakkar, Odedra, Chudasama, Rathod, Makwana, Kumar,
        Gupta, Agarwal, Verma, Kapoor, Malhotra, Mukherjee, Banerjee, Sinha, Kanani, Raval
    """),
    girls=_names("""
        Anaya, Aanya, Anya, Ananya, Aadhya, Diya, Mira, Meera, Maya, Priya, Riya, Saanvi, Kiara,
        Ishani, Isha, Avani, Kavya, Nisha, Tara, Tia, Myra, Aarohi, Rhea, Nikita, Pari, Jiya, Dhyana
    """),
    boys=_names("""
        Aarav, Arjun, Aryan, Ayaan, Rohan, Reyansh, Vihaan, Vivaan, Ishaan, Dev, Kian, Krish,
        Krishna, Shiv, Yash, Neel, Kabir, Advik, Nikhil, Om, Ronav, Dhruv, Jay, Kush, Veer, Dhyan
    """),
    women=_names("""
        Priya, Pooja, Nisha, Sonal, Hetal, Bhavna, Kalpana, Anjali, Rekha, Sunita, Meena, Jyoti,
        Neha, Swati, Shreya, Kavita, Daksha, Hina, Dipti, Jayshree, Bhavika, Komal, Mital
    """),
    men=_names("""
        Rajesh, Amit, Sanjay, Vijay, Suresh, Nilesh, Hitesh, Jignesh, Bhavesh, Dipak, Rakesh,
        Anil, Sunil, Ravi, Manoj, Kiran, Rahul, Rohit, Vikram, Chetan, Ketan, Paresh, Mayur
    """),
)

_SOUTH_INDIAN_AND_TAMIL = Community(
    family=_names("""
        Thomas, Joseph, George, Mathew, Varghese, Kurian, Jacob, Philip, Nair, Menon, Pillai, Iyer,
        Reddy, Rao, Krishnan, Fernandes, D'Souza, D'Silva, Pereira, Rodrigues, Sivakumar,
        Sivanathan, Thiruchelvam, Balasubramaniam, Ravindran, Rajan, Perera, de Silva, Fernando
    """),
    girls=_names("""
        Ann Maria, Angel, Eva, Diya, Lakshmi, Ishani, Nila, Anika, Aditi, Meenakshi, Abisha,
        Thulasi, Sahana, Sanjana, Rhea, Evelyn, Hannah, Elsa, Treesa, Kayal, Oviya
    """),
    boys=_names("""
        Joel, Jerome, Aiden, Rohan, Nathan, Aadhi, Aarav, Abishek, Adithya, Arjun, Ashwin, Kavin,
        Dhruv, Pranav, Rishi, Saran, Kevin, Ryan, Alan, Johan, Vihaan, Yuvan, Sai
    """),
    women=_names("""
        Bindu, Jincy, Sheeja, Reena, Deepa, Lakshmi, Anju, Siji, Jisha, Priya, Smitha, Divya,
        Sangeetha, Kavitha, Shanthi, Tharshini, Vasanthi, Mary, Philomena, Dilini
    """),
    men=_names("""
        Binu, Shaji, Jose, Santosh, Prakash, Arun, Suresh, Biju, Saji, Thomas, Ramesh, Senthil,
        Kumaran, Sivakumar, Mohan, Anthony, Savio, Nuwan, Chaminda, Venkatesh
    """),
    women_keep_their_names=True,
)

_WEST_AFRICAN = Community(
    family=_names("""
        Okafor, Adeyemi, Okonkwo, Mensah, Boateng, Owusu, Asante, Adebayo, Okeke, Eze, Nwosu,
        Nwachukwu, Obi, Okoro, Okoye, Adeleke, Afolabi, Balogun, Bello, Akinola, Akinwale,
        Ogunleye, Olaleye, Oladipo, Olusanya, Oyelaran, Fashola, Babatunde, Sowande, Ajayi,
        Osei, Appiah, Agyemang, Amoah, Ansah, Antwi, Danso, Frimpong, Gyamfi, Opoku, Sarpong,
        Yeboah, Kamara, Sesay, Koroma, Conteh, Bangura, Jalloh, Bah, Diallo, Ceesay, Jammeh,
        Camara, Traoré, Koné, Moyo, Ncube, Ndlovu, Sibanda, Chikwanha, Mutasa, Mbala, Ilunga,
        Kabongo, Tshimanga, Ssemwogerere, Nakato, Otieno, Wanjiru, Tesfaye, Haile, Gebremedhin
    """),
    girls=_names("""
        Ada, Adaeze, Chidinma, Chiamaka, Ifeoma, Ngozi, Amara, Zara, Temitope, Temiloluwa,
        Oluwaseun, Ayomide, Folasade, Simisola, Tiwa, Tolulope, Ewurama, Abena, Akosua, Ama, Efua,
        Esi, Adwoa, Nana Ama, Grace, Blessing, Precious, Favour, Faith, Joy, Mercy, Deborah,
        Esther, Abigail, Fatmata, Mariama, Aminata, Awa, Tariro, Rutendo, Nomsa, Naomi, Eden, Ruth
    """),
    boys=_names("""
        Chukwuemeka, Emeka, Obinna, Chinedu, Kelechi, Ebuka, Tobi, Tobenna, Oluwaseun, Seun,
        Ayomide, Ayodele, Olumide, Damilola, Temidayo, Toluwani, Kwame, Kofi, Kwabena, Kwaku, Yaw,
        Kojo, Nana, Kweku, Emmanuel, Samuel, David, Daniel, Joshua, Elijah, Jeremiah, Caleb,
        Isaac, Nathan, Ibrahim, Ousmane, Lamin, Alusine, Tinashe, Tatenda, Tapiwa, Yonas, Amari
    """),
    women=_names("""
        Ngozi, Chinwe, Ifeoma, Nkechi, Adaora, Funmilayo, Folake, Bukola, Yetunde, Omolara,
        Titilayo, Abimbola, Abena, Akosua, Afua, Adwoa, Comfort, Grace, Patience, Mercy, Blessing,
        Fatmata, Isatu, Mariama, Kadiatou, Tendai, Rudo, Chipo, Thandiwe, Selam, Almaz, Solange
    """),
    men=_names("""
        Emeka, Chidi, Ikechukwu, Uche, Babajide, Adewale, Olusegun, Tunde, Femi, Kunle, Kwame,
        Kofi, Kwasi, Yaw, Emmanuel, Samuel, Isaac, Joseph, Ebenezer, Mohamed, Ibrahim, Sulaiman,
        Alhaji, Tendai, Tafadzwa, Blessing, Jean-Pierre, Christian, Dawit, Abel, Moses, Richmond
    """),
)

_SOMALI = Community(
    family=_names("""
        Mohamed, Ali, Ahmed, Hassan, Abdi, Omar, Yusuf, Ibrahim, Ismail, Farah, Jama, Warsame,
        Nur, Noor, Osman, Adan, Aden, Hussein, Abdullahi, Abdirahman, Salah, Said, Mohamud,
        Mahamud, Muse, Musa, Elmi, Guled, Hirsi, Dirie, Duale, Egal, Gure, Haji, Barre, Samatar,
        Isse, Sheikh, Waberi, Yassin
    """),
    girls=_names("""
        Maryan, Maryam, Amina, Aamina, Hamda, Hibo, Hodan, Ifrah, Ikran, Khadra, Ladan, Nimco,
        Nasteho, Ruqiya, Sagal, Sahra, Sumaya, Ubah, Yasmin, Zahra, Ayan, Asma, Aisha, Deqa,
        Fadumo, Hafsa, Hanan, Idil, Samira, Muna
    """),
    boys=_names("""
        Mohamed, Abdirahman, Abdullahi, Abdiaziz, Abdifatah, Ahmed, Ayub, Bilal, Guled, Hamza,
        Ibrahim, Idris, Ilyas, Imran, Ismail, Khalid, Liban, Mahad, Musab, Mustafa, Nasir, Sakariye,
        Suhayb, Yahya, Yasin, Yusuf, Zakaria, Zakariya, Adam, Sharmarke
    """),
    women=_names("""
        Fadumo, Faduma, Hodan, Halimo, Halima, Asha, Amina, Sahra, Hawa, Khadra, Nimo, Ifrah,
        Safiya, Zeinab, Maryan, Muna, Saida, Shukri, Ubah, Hibaq, Deqa, Kaltun, Rahma, Habibo
    """),
    men=_names("""
        Mohamed, Ahmed, Abdi, Ali, Hassan, Abdullahi, Omar, Yusuf, Ibrahim, Mohamud, Ismail,
        Farah, Jama, Said, Osman, Hussein, Abdirashid, Abdikadir, Mukhtar, Liban, Guled, Bashir
    """),
    women_keep_their_names=True,
)

_ARAB_AND_IRANIAN = Community(
    family=_names("""
        Ahmed, Saleh, Ali, Mohammed, Hassan, Al-Sayed, Al-Hashimi, Al-Jabouri, Al Masri, El-Amin,
        El Mansouri, Abdullah, Haddad, Khalil, Khalid, Mansour, Nasser, Nasr, Saeed, Said, Qasim,
        Kassim, Mukbel, Muthana, Obaid, Othman, Salem, Yahya, Zaid, Ibrahim, Elhassan, Osman,
        Abdelrahman, Bensaid, Benali, Boukhari, Karimi, Hosseini, Rahimi, Ahmadi, Mohammadi,
        Sharifi, Noori, Haidari, Stanikzai, Safi, Barzani, Aziz, Rasul, Hama
    """),
    girls=_names("""
        Maryam, Mariam, Fatima, Sara, Sarah, Layla, Leila, Yasmin, Noor, Nour, Huda, Rana, Rania,
        Reem, Rima, Salma, Sama, Tala, Talia, Lana, Lara, Dalia, Malak, Jana, Hala, Ayah, Asal,
        Parisa, Nika, Setayesh, Hasti, Shilan, Sozan, Zahra, Bahar
    """),
    boys=_names("""
        Mohammed, Ahmed, Ali, Omar, Yusuf, Youssef, Ibrahim, Adam, Hamza, Khalid, Karim, Tariq,
        Salah, Saif, Zain, Faris, Rayan, Amir, Amin, Anas, Yasin, Yaseen, Elyas, Ilyas, Arsam,
        Amirali, Parsa, Daryan, Lawand, Rebin, Sulaiman, Mustafa, Abdulrahman
    """),
    women=_names("""
        Fatima, Amal, Samira, Hanan, Huda, Iman, Nadia, Rana, Salma, Sumaya, Wafa, Zeinab, Asma,
        Khadija, Latifa, Maryam, Nasrin, Shirin, Zahra, Leila, Mahsa, Farideh, Sakina, Shno, Awaz
    """),
    men=_names("""
        Mohammed, Ahmed, Ali, Khaled, Omar, Hussein, Hassan, Ibrahim, Mahmoud, Nasser, Saleh, Sami,
        Tarek, Yahya, Walid, Abdullah, Reza, Hamid, Mehdi, Ahmad, Karwan, Dilshad, Zmarai, Najib
    """),
    women_keep_their_names=True,
)

_EASTERN_EUROPEAN = Community(
    family=_names("""
        Nowak, Kowalski, Wiśniewski, Wójcik, Kowalczyk, Kamiński, Lewandowski, Zieliński, Szymański,
        Woźniak, Dąbrowski, Kozłowski, Jankowski, Mazur, Krawczyk, Piotrowski, Grabowski, Zając,
        Pawłowski, Król, Wróbel, Łukasik, Świątek, Popescu, Popa, Ionescu, Dumitru, Stan, Stoica,
        Gheorghe, Radu, Moldovan, Munteanu, Ciobanu, Rusu, Ungureanu, Horváth, Balog, Baláž,
        Kováč, Tóth, Žiga, Dunka, Kotlár, Kazlauskas, Petrauskas, Bērziņš, Kalniņš, Ozols, Ivanov,
        Dimitrov, Georgiev, Petrov, Shevchenko, Kovalenko, Bondarenko, Hoxha, Krasniqi, Gashi
    """),
    girls=_names("""
        Zofia, Maja, Julia, Hanna, Lena, Alicja, Oliwia, Zuzanna, Amelia, Nadia, Nikola, Emilia,
        Natalia, Gabriela, Milena, Aleksandra, Antonina, Sofia, Maria, Ioana, Daria, Denisa,
        Larisa, Andreea, Elena, Rebeka, Vanesa, Ema, Gabija, Liepa, Viktoria, Siyana, Anastasiia
    """),
    boys=_names("""
        Jakub, Antoni, Filip, Szymon, Kacper, Oskar, Adam, Aleksander, Mikołaj, Franciszek, Michał,
        Dawid, Wojciech, Oliwier, Nikodem, Łukasz, Andrei, David, Matei, Luca, Ștefan, Rareș, Denis,
        Alex, Mario, Kevin, Dominik, Marek, Lukáš, Matas, Nojus, Maksim, Nikola, Bohdan, Erion
    """),
    women=_names("""
        Agnieszka, Katarzyna, Magdalena, Anna, Monika, Joanna, Małgorzata, Aleksandra, Karolina,
        Paulina, Justyna, Ewelina, Sylwia, Elena, Mihaela, Ioana, Andreea, Cristina, Alina, Simona,
        Mária, Zuzana, Jana, Renáta, Rasa, Jurgita, Inga, Desislava, Oksana, Iryna, Blerta
    """),
    men=_names("""
        Piotr, Krzysztof, Tomasz, Paweł, Marcin, Michał, Łukasz, Rafał, Grzegorz, Mariusz, Adam,
        Ionuț, Florin, Marian, Cristian, Gheorghe, Vasile, Adrian, Marek, Milan, Ján, Jozef, Tomas,
        Andrius, Jānis, Georgi, Dimitar, Oleksandr, Serhii, Arben, Ilir
    """),
)

_CHINESE_AND_VIETNAMESE = Community(
    family=_names("""
        Chen, Wong, Li, Lee, Chan, Zhang, Wang, Liu, Lau, Cheung, Leung, Ng, Ho, Lam, Yip, Tang,
        Lin, Huang, Wu, Zhou, Xu, Yang, Zhao, Tsang, Mak, Kwok, Fung, Chow, Nguyen, Tran, Pham, Le,
        Vo, Bui, Hoang, Au-Yeung, Yu, Xie, Ma, He
    """),
    girls=_names("""
        Emily, Chloe, Sophie, Mei, Mei Ling, Wai Ling, Yan, Yan Yi, Jia Yi, Xin Yi, Hoi Ching,
        Tsz Yan, Lok Yi, Hau Yan, Yuki, Jasmine, Mia, Zoe, Anh, Linh, Thao, Mai, Ngoc Anh, Amy
    """),
    boys=_names("""
        Jason, Ethan, Ryan, Lucas, Aiden, Jayden, Ho Yin, Chun Hei, Tsz Hin, Long Hei, Ka Ho,
        Wai Kit, Hao, Hao Ran, Zi Han, Yu Xuan, Kevin, Marcus, Minh, Duc, Nam, Bao, Quang Minh, Leo
    """),
    women=_names("""
        Mei, Ling, Li Na, Yan, Ying, Wai Yee, Pui Shan, Ka Yan, Suk Yee, Xiaoling, Jing, Fang, Hui,
        Thi Lan, Thi Hoa, Huong, Trang, Winnie, Carmen, Joyce
    """),
    men=_names("""
        Wei, Jun, Kin, Ka Wai, Chi Ming, Wing Kin, Siu Fai, Jian, Tao, Qiang, Hui, Feng, Van Hung,
        Van Tuan, Thanh, Dung, Kelvin, Raymond, Alan, Tony
    """),
    women_keep_their_names=True,
)

_LUSOPHONE_AND_HISPANIC = Community(
    family=_names("""
        da Silva, dos Santos, Ferreira, Pereira, Oliveira, Costa, Rodrigues, Martins, Fernandes,
        Gonçalves, Gomes, Lopes, Marques, Almeida, Ribeiro, Carvalho, Teixeira, Conceição, Baldé,
        Mendes, Tavares, de Sousa, García, Fernández, González, Rodríguez, López, Martínez,
        Sánchez, Muñoz, Núñez, Quispe, Morales Vargas, García Ruiz, Zambrano, Castaño
    """),
    girls=_names("""
        Sofia, Sofía, Maria, Matilde, Leonor, Beatriz, Carolina, Inês, Lara, Clara, Laura, Alice,
        Helena, Valentina, Isabella, Camila, Lucía, Martina, Valeria, Daniela, Gabriela, Luana
    """),
    boys=_names("""
        João, Rodrigo, Martim, Francisco, Santiago, Tomás, Afonso, Duarte, Miguel, Gabriel, Rafael,
        Lucas, Diogo, Gonçalo, Mateo, Matías, Hugo, Pablo, Alejandro, Daniel, Thiago, Enzo, Davi
    """),
    women=_names("""
        Maria, Ana, Ana Paula, Carla, Sandra, Patrícia, Mónica, Susana, Fátima, Cátia, Vânia,
        Sílvia, Luciana, Fernanda, Carmen, Lucía, Paola, Andrea, Claudia, Yolanda
    """),
    men=_names("""
        José, João, António, Carlos, Paulo, Pedro, Rui, Nuno, Bruno, Ricardo, Marco, Luís, Sérgio,
        Marcelo, Rodrigo, Juan, Javier, Andrés, Jorge, Diego
    """),
    women_keep_their_names=True,
)

_TURKISH_AND_KURDISH = Community(
    family=_names("""
        Yılmaz, Kaya, Demir, Çelik, Şahin, Yıldız, Öztürk, Aydın, Arslan, Doğan, Kılıç, Aslan,
        Çetin, Kara, Koç, Kurt, Özdemir, Polat, Bozkurt, Güneş, Mehmet, Hassan, Hüseyin,
        Osman, Ahmet
    """),
    girls=_names("""
        Defne, Elif, Zeynep, Ela, Ada, Asya, Azra, Ayşe, Derya, Ecrin, Eylül, Lara, Melisa, Mira,
        Nehir, Selin, Yağmur, Rojin, Berfin, Dilan
    """),
    boys=_names("""
        Yusuf, Ömer, Mehmet, Ali, Can, Deniz, Efe, Emir, Emre, Kaan, Kerem, Mert, Mustafa, Arda,
        Aras, Baran, Berat, Azad, Rohat, Eren
    """),
    women=_names("""
        Ayşe, Fatma, Emine, Hatice, Elif, Zeynep, Özlem, Sevgi, Gül, Songül, Yasemin, Meryem,
        Dilek, Filiz, Gülistan, Zehra
    """),
    men=_names("""
        Mehmet, Mustafa, Ahmet, Ali, Hüseyin, Hasan, İbrahim, Murat, Ömer, Yusuf, Serkan, Özgür,
        Cem, Kemal, Erdal, Veli
    """),
)

COMMUNITIES: Mapping[str, Community] = {
    "british": _BRITISH,
    "cornish": _CORNISH,
    "caribbean": _CARIBBEAN,
    "pakistani": _PAKISTANI,
    "bangladeshi": _BANGLADESHI,
    "punjabi": _PUNJABI,
    "gujarati-and-hindi": _GUJARATI_AND_HINDI,
    "south-indian-and-tamil": _SOUTH_INDIAN_AND_TAMIL,
    "west-african": _WEST_AFRICAN,
    "somali": _SOMALI,
    "arab-and-iranian": _ARAB_AND_IRANIAN,
    "eastern-european": _EASTERN_EUROPEAN,
    "chinese-and-vietnamese": _CHINESE_AND_VIETNAMESE,
    "lusophone-and-hispanic": _LUSOPHONE_AND_HISPANIC,
    "turkish-and-kurdish": _TURKISH_AND_KURDISH,
}

DRAWN: Mapping[str, Community] = {
    name: community.by_frequency() for name, community in COMMUNITIES.items()
}
"""The same, to draw from."""


def feminine(family: str) -> str:
    """The form a family name takes for a woman, in Polish and among Sikhs; else the same."""
    if family == "Singh":
        return "Kaur"
    return f"{family[:-1]}a" if family.endswith(("ski", "cki", "dzki")) else family
