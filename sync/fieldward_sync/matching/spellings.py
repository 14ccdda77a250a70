"""Spellings and short forms under which one name is known in England (folded words, ``folding``).

A section holds one group a line. Its first part is the whole name in all its spellings; each part
after a bar is one short form in all of its own. A line that begins with a bar goes on with the
group above.

    abigail abbigail | abby abbie | gail

``abby`` is ``abigail`` and ``abbie``. It is not ``gail``: who calls a child Gail never says Abby. A
short form may stand in several groups and joins none of them: ``alex`` is ``alexander`` and
``alexandra``, who stay two people. So being equal goes both ways, and not from one to the next.

A wrong group shows the wrong child. Names that only sound alike are not here (``comparison`` finds
those), nor are the forms of one name in two languages unless people answer to both, nor Singh and
Kaur, which are two names.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

ENGLISH_GIVEN = """
aaron arron
abigail abigale abigayle abbigail abigael | abby abbie abbey abi | gail
agnes | aggie
alan allan allen | al
albert | al | bert bertie | albie alby
alexander aleksander alexandre aleksandr oleksandr alexandru aliaksandr
| alex aleks alec | lex | sandy | xander zander | sasha sacha
alexandra aleksandra oleksandra
| alex aleks alix | lexi lexie lexy | sandra | sandy | sasha sacha | ola
alexis | alex | lexi lexie lexy
alfred | alf alfie alfy | fred freddie freddy
alice alys alyce
alison allison alyson allyson | ally allie
amanda | mandy mandi
amelia emelia | millie milly
amy ami amie aimee aimie
anastasia anastazja anastasija anastasiia anastasiya | nastya nastia
andrea andreea | andie
andrew | andy andi | drew
angela | angie
angelina | angie | lina
ann anne | annie
anna ana | ania anya | annie
annabel annabelle anabel anabelle | bella belle
anthony antony | tony toni | ant
antonia | toni tonia
antonio | tony toni
archibald | archie archy
arthur artur | art artie
ashley ashleigh ashlee ashlie ashly | ash
augustus | gus | auggie
barbara | babs | barb barbie | basia
barnaby barnabas | barney
bartholomew | bart
beatrice | bea
beatrix | bea | trixie trixy
benedict benedikt | ben benny
benjamin benjamen beniamin | ben benny bennie | benji benjy
bernadette | bernie
bernard | bernie
bethany bethanie | beth
beverley beverly | bev
bradley | brad
brian bryan
brianna bryanna briana
bridget bridgette bridgit brigid | bridie
brooklyn brooklynn | brook brooke
cameron kameron camron | cam
camilla kamilla camila | cam | milla | millie milly
carl karl
carla karla
carol carole
carolina karolina | caro
caroline carolyn carolyne karoline | caro | carrie
casey kasey kacey kacie kaci
cassandra kassandra | cass | cassie
catherine katherine kathryn katharine catharine cathryn katheryn catheryn
| kate cate katie katy katey | kat cat | kath cath kathy cathy kathie cathie | kay | kit kitty
cecilia cecelia | celia | cece
charles | charlie charley charly | chas chaz | chuck
charlotte charlott | charlie charley charly charli | lottie lotty
chelsea chelsey chelsie
chloe khloe cloe kloe
christian kristian cristian krystian | chris kris
christina kristina cristina krystyna khrystyna | chris kris chrissy chrissie | christy kristy | tina
christine kristine | chris kris chrissy chrissie
christopher kristopher cristopher christofer | chris kris | kit | topher
claire clare clair
clara klara
clifford | cliff
constance | connie
cynthia | cindy cyndi
daisy daisie daisey
damian damien damion
daniel danyel | dan danny
daniela daniella | dani | ella
danielle danyelle | dani danni dannie | danny
darcy darcey darcie darci
darryl daryl darrell darrel
david dawid | dave davey davy
deborah debra debora | deb debs debbie debby debi
denis dennis denys | den denny
derek derrick deric
desmond | des
dexter | dex
diana dianna dyana | di
diane dianne dyanne | di
dominic dominick dominik | dom | nic nick
donald | don donny donnie
dorothea | dora | thea | dot dotty dottie
dorothy | dolly | dot dotty dottie
douglas douglass | doug dougie
dylan dillon dillan dylon
edith | edie
edmund edmond | ed eddie eddy | ned | ted teddy
edward eduard | ed eddie eddy | ned | ted teddy
edwin | ed eddie eddy
eleanor elinor eleanore elenor ellenor | ellie elly | nell nellie | nora norah
elizabeth elisabeth elizabet elisabet
| bess bessie | beth | betsy | betty bettie | eliza liza | libby libbie | liz lizzie lizzy
ellen ellyn | ellie elly | nell nellie
elliot elliott eliot eliott
emilia emelia | emmie emmy | millie milly
emily emilie emilee | em emmie emmy | millie milly
emma | em emmie emmy
emmanuel emanuel immanuel | manny
eric erik erick
erica erika
esther ester | essie | esty
eugene | gene
eva ewa | evie
eve | evie
evelyn eveline evelyne evelin | evie | lyn
ezekiel | zeke
faye fay
felicity | fliss flis
florence florance | flo | florrie | flossie
frances | fran | frankie
francesca franchesca francheska | cesca chesca | fran | frankie
francis | fran | frank frankie
franklin franklyn | frank frankie
frederick frederic fredrick fredric | fred freddie freddy
freya freyja freja
gabriel gabrial | gabe
gabriella gabriela | bella | gabby gabi gaby gabbie
gabrielle | elle | gabby gabi gaby gabbie
gary garry | gaz
gemma jemma
genevieve | gen
geoffrey jeffrey jeffery geoffery | geoff jeff
george | georgie
georgia jorja | georgie
georgiana georgianna | georgie
georgina georgena | george georgie | gina
gerald jerald | gerry jerry
gerard gerrard | ged | gerry jerry
gillian jillian | gill jill
grace | gracie gracey
graham graeme grahame
gregory | greg gregg
gwendolyn gwendoline gwendolen | gwen
hannah hanna hana
harold | hal | harry
harriet harriett harriette | hattie hatty | etta
harry harri
harvey harvie
hayden haydn haydon
hayley haley hailey hayleigh hailie
heidi heidy
helen helene | nell nellie
helena | lena | nell nellie
henrietta | etta | hattie hatty | hetty hettie
henry henri | hal | hank | harry
hugh huw hew | hughie
imogen imogene immogen | immy immie
india | indie indy
indiana | indie indy
isaac isaak issac isac izaak | ike | zac zack zak
isabella izabella isabela izabela isobella | bella | belle | izzy izzie issy
isabelle isabel isobel isabell isobelle izabel | bella | belle | izzy izzie issy
jackson jaxon jaxson | jax
jacob jakob jakub jacub | coby koby | jake | kuba
jacqueline jaqueline jacquelyn | jackie jacky jacqui
james | jamie jaimie jamey jaime jaymie | jim jimmy jimmie | jem
jane jayne | janie
janet | jan
jasmine jasmin jazmin jazmine jasmyn | jas jaz jazz
jason jayson
jayden jaden jaiden jaydon jaidon jadon
jemima jemimah | mima
jennifer jenifer jeniffer | jen jenn jenny jennie jenni
jeremiah jerimiah | jerry
jeremy jeremey | jem | jerry
jesse | jess
jessica jessika jesica | jess jessie jessi
joanna johanna joana | jo
joanne joann | jo
jodie jody jodi
john jon | johnny jonny johnnie
jonathan jonathon johnathan johnathon | jon jonny johnny
jordan jordon jorden jordyn
joseph josef jozef | joe joey
josephine josefine | jo | josie
joshua josua | josh
judith | jude | judy judi
julian julien | jules
juliet juliette | jules
karen karyn caren
kathleen cathleen | kath cath kathy cathy | kay
katrina catrina katrena | kat cat | trina
kayla kaila kaylah
kayleigh kayley kaylee kaleigh kayly
keeley keely keeleigh
kelly kelley kellie
kelsey kelsie
kenneth | ken kenny
kerry kerrie keri kerri
kevin kevan | kev
kimberley kimberly kimberleigh | kim
kirsten kirstin kirstyn | kirsty kirstie
kristin kristen
lacey lacy lacie
laura | laurie
lauren lauryn laurin loren
lawrence laurence lorence | larry | laurie lawrie
leah lea leia
leanne lianne leann leighanne liane
lee leigh
leonard lenard | len lenny | leo
leonardo | leo
leslie lesley lezley | les
lewis louis luis | lou louie
lilian lillian | lil lily lilly lillie
lily lilly lillie lilley
linda lynda | lin lyn | lindy
lindsay lindsey linsey lynsey lyndsey lyndsay
louisa luisa | lou | lulu
louise luise | lou | lulu
luca luka lucca
lucas lukas lukasz | luc luke
lucia lucja | lucy
lucinda | cindy | lucy
lucy luci lucie
lynn lyn lynne
mackenzie mckenzie makenzie
madeleine madeline madelaine madelyn madilyn | maddie maddy
madison maddison madyson | maddie maddy
magdalena magdalene | lena | magda
maisie maisy maizie maizy
malachi malachy malakai
malcolm malcom | mal
marcus markus
margaret margret margarete | maggie | marge margie | margo margot | meg | mags | peggy | rita
maria mariya mariia marija
marian marion
marianne maryanne mariann maryann
mark marc
martin martyn marten | marty
martina martyna | tina
matilda mathilda mathilde | tilda | tilly tillie
matthew mathew | matt mat matty
maurice morris | mo
maximilian maximillian maksymilian | max maks
maxine | max
maxwell | max
maya maia maja mya
megan meghan meagan meaghan | meg megs
melanie melany melonie | mel
melissa mellisa melisa | lissa | mel
michael micheal mikael michal | mick micky mickey | mike mikey
michaela mikaela mikayla michaella mihaela
michelle michele mishelle | shell | chelle
mildred | millie milly
miles myles
millicent millisent | millie milly
mitchell mitchel | mitch
molly mollie
natalia nataliya nataliia natalya natalja natalija | nat | natasha | tasha | talia
natalie nathalie natalee nataley | nat natty
natasha natacha | nat | tash tasha
nathan nathen natan | nat nate
nathaniel nathanial nathanael natanael nathanel | nat nate | nathan
neil neal neill
nicholas nicolas nickolas nikolas | nick nic nik nicky | nico niko
nicola nichola nikola | nic nicky nikki nicki nikky
nicole nichole nikole | nic nicky nikki nicki nikky
oliver oliwer | ollie olly
olivia oliwia | liv livvy livvie
olivier oliwier | ollie olly
oscar oskar | ozzy ozzie
pamela | pam pammy
patricia patrycja | pat patsy | patti patty | tricia trish trisha
patrick patryk patrik padraig padraic | paddy | pat
penelope | penny pennie
peter | pete
philip phillip philipp filip | phil | pip
philippa phillipa phillippa philipa | pip pippa
rachel rachael racheal | rach | rae
raymond raymund | ray
rebecca rebekah rebeca rebeka rebekka | becca becka | becky becki beckie beccy | bex bec
reginald | reg reggie
rhianna rihanna rhiana rianna
richard | dick | rich richie ritchie | rick ricky
riley reilly rylee ryley rylie
robert | bert | bob bobby bobbie | rob robbie robby
roberta | bobbie
robin robyn
roderick rodrick | rod roddy
rodney | rod
ronald | ron ronnie ronny
rosalind | ros roz | rosie
rose | rosie rosy
rosemary rosemarie | rose rosie
roxanne roxane roxann | roxy roxie
ruben reuben rueben
russell russel | russ
ryan rian
samantha samanta | sam sammy sammie
samuel samual samuele | sam sammy sammie
sandra zandra | sandy sandie
sarah sara
scott scot | scotty
sebastian sebastien sabastian | bastian | seb
shelley shelly shellie
sidney sydney | sid syd
sienna siena
simon szymon symon | si
skye sky
skylar skyler
sophia sofia sofiya sofiia sofija zofia | sophie sofie | soph | zosia
sophie sofie | soph
stacey stacy staci stacie
stanley | stan
stefan stephan steffan
stephanie stefanie stephany stefani stephenie | steph stef steff steffi | stevie
stephen steven | steve stevie ste
stuart stewart | stu stew
susan suzan susann | sue | susie suzie suzy
susannah susanna suzanna suzannah zuzanna | sue | susie suzie suzy
suzanne susanne suzann | sue | susie suzie suzy
sylvia silvia sylwia | syl
tabitha tabatha tabetha | tabby
tamara tamera | tammy
terence terrence terrance | terry
teresa theresa therese tereza | terri terry | tess tessa
theodora | dora | thea | theo
theodore theodor teodor | ted teddy | theo teo
thomas tomas tomasz | thom tom tommy | tomek
tiffany tiffanie | tiff
timothy timothey | tim timmy
tobias tobiasz | toby tobie
toby tobie tobey
tracey tracy tracie
tristan tristen trystan tristin
tyler tylor | ty
tyrone tyron | ty
valerie valery valarie | val
vanessa venessa | ness nessa
veronica weronika veronika | ronnie roni
victor viktor wiktor vitor | vic
victoria viktoria wiktoria viktoriya viktoriia | tori tory | vicky vicki vickie vikki
vincent | vince | vinny vinnie
vivian vivien vivienne | viv
walter walther | wally walt
wesley westley | wes
wilfred wilfrid | wilf wilfie
william wiliam willam | bill billy billie | liam | will wills willie willy
winifred | freda | winnie
yvonne evonne
zachary zachery zackary zackery zakary | zac zach zack zak
zoe zoey zoie
"""
"""Given names of England, of whatever origin, with the forms that other countries write."""

CELTIC_GIVEN = """
aidan aiden aydan ayden aedan
aileen eileen
aisling ashling aislinn aislin
alastair alistair alasdair alister allister alisdair | al
angus aengus | gus
bethan | beth
brendan brenden brendon
bronwen bronwyn | bron
caitlin kaitlyn katelyn caitlyn kaitlin kaitlynn katelin katelynn | cait kait | katie katy
callum calum kallum callam | cal
caoimhe keeva kiva
caolan keelan kealan
carys karys
catrin katrin
catriona katriona caitriona | cat kat | triona
cerys kerys
cian kian kean
ciara keira kiera keera
ciaran kieran kieron keiran keiron kieren
conor connor conner konnor
dafydd | dai | david
darragh dara daragh
deirdre deidre
dermot diarmuid diarmid
eamon eamonn
eilidh ailidh aylee
eoghan eoin owen
erin eryn
euan ewan ewen euen
ffion ffyon fion
finlay finley findlay finnley finnlay | fin finn
finn fin fionn fynn
fiona fionna | fi
fionnuala finnuala finola | nuala
grainne grania granya
gruffydd gruffudd griffith | griff gruff
hywel howel howell
ian iain
kayden kaiden caden cayden kaden caiden
lachlan lachlann lochlan | lachie
llewellyn llywelyn llewelyn | llew
maeve meabh maebh mave
mairi mhairi
niall nial nyall
niamh neve nieve neave neeve
oisin osheen usheen
oonagh una oona
orla orlagh orlaith
owain owen
rhys reece reese rees
roisin rosheen
rory ruairi ruaridh ruairidh
saoirse sersha seersha
seamus shamus
sean shaun shawn
shane shayne
shauna shawna
siobhan shivaun shevaun
tadhg tadgh teague
tomos | tom
"""
"""Welsh, Irish and Scottish given names, with the spellings that England hears."""

MUSLIM = """
aaliyah aliyah aliya alia aliyya
abdi cabdi
abdul abdal abdel abdoul
abdullah abdulla abdallah abdalla abdellah abdulah abdullahi
abdulrahman abdurrahman abdurahman abdelrahman abdirahman abdalrahman abdirahmaan
abdulrazaq abdulrazak abdulrazzaq abdurrazzaq abdirizak
abdulsalam abdussalam abdisalam
abubakar abubakr abubacar abubaker aboubacar boubacar
adam aadam
adil aadil adel
ahmed ahmad ahmet achmed axmed
aisha ayesha aysha aishah aicha ayisha aesha caasha asha
akhtar akhter aktar akther
ali aly cali
amina aminah aamina ameena ameenah amena
amir aamir ameer amer
anisa anisah aneesa aneesah
arif aarif areef
asif aasif
aziz azeez
bashir basheer bachir
begum begom begam
bibi beebi
bilal bilaal belal billal
chaudhry chaudhary chaudry choudhry choudhary choudhury chowdhury choudhuri chaudhuri choudry
daniyal danyal daanyal
dawud dawood daud daoud dawoud daood
faisal faysal feisal faizal
faiza faizah faaiza
farah faarax faarah
farooq faruk farouk faruq farook farukh
fatima fatimah fatema fathima faatimah fatma | fadumo faduma | fatou
habib habeeb
habiba habibah habeeba
hafiz hafeez hafez
hafsa hafsah hafza xafsa
haider hyder haidar haydar hayder
hakim hakeem
halima halimah haleema haleemah xaliimo xalimo
hamid hameed
hamza hamzah
haroon harun haroun
hassan hasan hassaan xasan
hawa hawo xaawo
houda huda hoda
hussain hussein husain husayn hossain hosein hussien hossein husein huseyin xuseen
ibrahim ebrahim ibraheem ibrahima ibraahim
idris idrees idriss
ilyas elyas iliyas illyas ilyaas
iman eman imaan
imran emran imraan
iqbal ikbal eqbal
irfan erfan
isa issa eesa essa eisa ciise
ismail ismaeel ismaiel ismael esmail ismaaciil
jamal jamaal gamal djamal
jamil jameel djamil
jamila jameela jamilah djamila
javed javaid jawed jawaid javeed
jibril jibreel gibril djibril
karim kareem kerim
khadija khadijah khadeeja khadeejah khatija khadidja kadija xadiija
khalid khaled khaalid
khalil khaleel
khatun khatoon khatoun
layla leila leyla laila lailah laylah leilah
luqman lukman luqmaan
mahdi mehdi
mahmoud mahmud mahmood mehmood mehmud mohamud mohamoud maxamuud
majid majeed maajid
malik maalik malek
mansoor mansour mansur
maryam mariam meryem mariyam maryum marium
masood masoud masud massoud
miah meah miya mia
mohsin muhsin mohsen
muhammad mohammed mohamed mohammad mohamad muhammed muhamed muhamad maxamed | md mohd | mo
munir muneer mounir
musa moosa mussa moussa muuse muse
mustafa mustapha mostafa mustafe moustapha
nabil nabeel
nabila nabeela nabilah
nadeem nadim
nadia nadiya nadya nadja nadiia
naeem naim nayeem
naima naeema naimah
nasir naseer nasser nassir naser
nasreen nasrin
naveed navid nawid
nazir nazeer
noor nur nour nuur
omar umar omer umer cumar oumar
osama usama
parveen parvin perveen
pervez parvez parvaiz perwez
qadir qadeer kadir
qasim kasim qassim kassim kasem
qureshi quraishi qureishi kureshi
rabia rabiah rabiya
rafiq rafique rafeeq rafik
rahim raheem
rahima raheema
rahman rehman raxmaan
ramadan ramzan ramadhan ramazan
rashid rasheed rachid
riaz riyaz reaz
ridwan rizwan ridhwan ridwaan
ruqayyah ruqaya rukayya ruqayya ruqaiya rukaya
sadiq sadique sadeeq sadik
saeed said sayeed siciid
safiya safiyah safia safiyya safiyyah
saif sayf seif
salih saleh swaleh
salim saleem selim
salma salmah
samir sameer
samira sameera samirah
sayed syed sayyid saiyed syeed sayyed
shabir shabbir shabeer
shafiq shafique shafeeq shafik
shahid shaheed
shakil shakeel
sharif shareef sherif cherif
sheikh shaikh shaik sheik shaykh cheikh
shoaib shuaib shuayb
siddiqui siddiqi siddique sidiqi
suleman sulaiman suleiman sulayman soleman suliman suleyman suleymaan saleban
sumaya sumayya sumaiya sumayyah sumaiyah soumaya
tahir taahir taher
tanvir tanveer tanweer
tariq tarek tareq tarik tarique
tasneem tasnim
uddin udin
usman osman uthman ousmane othman cismaan cusmaan
wahid waheed
walid waleed
wasim waseem
yahya yahia yehia yaxye
yaqub yaqoob yakub yacoub
yaseen yasin yassin yassine
yasir yasser yaser
yasmin yasmeen yasmine yasmina
younis yunus younus yunis younes
yusra yousra
yusuf yousuf yousef yusef yousif youssef yusaf yuusuf
zahid zaheed
zahir zaheer
zahra zahraa zehra zahrah sahra
zaid zayd
zain zayn zayne zaine zein
zainab zaynab zeinab zeynab zaineb
zakariya zakaria zakariyya zakariyah zakariyyah | zac zack zak
zeeshan zishan
zia ziya
zubair zubayr zubeir
zulfiqar zulfikar
"""
"""Names from Arabic, Persian and Urdu, as South Asians, Arabs, Turks and Somalis write them."""

SOUTH_ASIAN = """
aarav arav
aditya adithya
arjun arjuna
aryan aaryan
bhattacharya bhattacharyya bhattacharjee
dipika deepika
ganguly gangopadhyay
iyer aiyer
krishna krisna
lakshmi laxmi
meena mina
mukherjee mukherji mookerjee mukhopadhyay
nair nayar
pooja puja
prakash parkash
rajinder rajender
reena rina
sanjay sanjoy
sharma sarma
shiva siva
sree sri shri shree
srinivas shrinivas sreenivas
sunita suneeta
surinder surender
teena tina
vijay bijay bijoy
vikram bikram
vinod binod
"""
"""Names of India, Nepal, Bengal and Sri Lanka that are written in more than one way."""

EAST_EUROPEAN = """
agnieszka | aga
alexei aleksei alexey aleksey oleksiy oleksii aleksiy | alyosha lyosha
anatoly anatoliy anatolii anatoli
andrei andrey andriy andrii andrej
bartlomiej | bart bartek
bartosz | bartek
bogdan bohdan
constantin konstantin constantine kostyantyn | kostya
danylo daniil danil danila
daria darya dariya dariia darija darja | dasha
dmitri dmitry dmitriy dmytro dmitrii dmitro | dima
ekaterina yekaterina kateryna katerina jekaterina | kate katie | katya katia
elena yelena olena jelena | lena
elzbieta | ela
evgenia yevgenia evgeniya yevheniia yevgeniya | zhenya
evgeny yevgeny evgeni evgeniy yevhen yevgeniy ievgen | zhenya
galina halyna galyna halina
georgi georgy georgiy heorhii
grigory grigori grigoriy hryhoriy hryhorii | grisha
grzegorz | greg | grzesiek
igor ihor
ilya ilia illia illya
irina iryna
ivan | vanya
jaroslav jaroslaw yaroslav | jarek
jerzy | jurek
julia yulia yuliya iuliia yuliia iulia julija | jules
katarzyna | kasia | kate katie
krzysztof | chris kris | krzys krzysiek
ksenia kseniya kseniia xenia
larisa larissa larysa
ludmila lyudmila liudmila lyudmyla liudmyla | luda lyuda
lyubov liubov ljubov lubov | lyuba
maciej | maciek
malgorzata | gosia malgosia
mateusz | mati | matt
maxim maksim maksym maksims | max maks
mikhail mykhailo mikhailo mihail | misha
mykola nikolai nikolay nikolaj nikolaii mikola | kolya
nadezhda nadezda | nadia nadya
oksana oxana
oleg oleh
olga olha | olya olia
pavel pawel pavlo
piotr petr pyotr petro | peter
sergei sergey serhiy serhii sergiy sergii siarhei
stanislav stanislaw | staszek stas | stan
svetlana svitlana | sveta
tatiana tatyana tetiana tetyana tatjana | tania tanya tanja
urszula | ula
vadim vadym
valentina valentyna walentyna
vasily vasyl vasili vasiliy | vasya
vitaly vitaliy vitalii vitali
vladimir volodymyr volodimir uladzimir | vlad | vova
vladislav vladyslav wladyslaw | vlad
vyacheslav viacheslav
wojciech | wojtek
yana jana iana
yelizaveta elizaveta yelyzaveta jelizaveta elisaveta | liza
yuri yuriy yury yurii iurii jurij | yura
zbigniew | zbyszek
"""
"""Polish, Ukrainian, Russian and other Slavic given names."""

SOUTH_EUROPEAN = """
alessandra | sandra
alessandro | sandro
athanasios | nasos | thanasis
ayse aishe ayshe
beatriz beatris
catarina caterina katarina
christos hristos
dimitrios demetrios dimitris demetris
evangelos | vangelis
felipe filipe
francisco | chico | paco
georgios giorgos yiorgos yorgos | george
giovanni | gianni | gio
giuseppe | beppe | peppe
guilherme | gui
ines inez
ioannis yiannis giannis yannis | john
konstantinos constantinos | dinos | kostas costas
kyriakos kyriacos
manuel manoel
mehmet mehmed | memo
michail michalis mihalis
nikolaos nicolaos | nikos nicos
panagiotis panayiotis | panos
rafael raphael raffael | rafa | raf
rafaela raphaela raffaela
rojin rozhin
shirin sherin shireen
tiago thiago
vasileios vasilios vasilis vassilis
"""
"""Greek, Turkish, Kurdish, Italian, Spanish and Portuguese given names."""

AFRICAN = """
abiodun | biodun
adebayo | ade | bayo
aden aadan adan
adetokunbo | tokunbo
adewale | ade | wale
afua efua afia
akua ekua
ayodele | ayo | dele
ayomide | ayo
babatunde | tunde
chiamaka | amaka
chidiebere | chidi
chidinma | dinma
chinonso | nonso
chukwudi | chudi
chukwuebuka | ebuka
chukwuemeka | emeka
damilola oluwadamilola oludamilola | dami
fatoumata fatumata fatoumatta | fatou
folasade | sade
funmilayo oluwafunmilayo olufunmilayo | funmi
haji hajji xaaji
ibukunoluwa | ibukun
ifeanyi | ify
ifeoluwa | ife
ifeoma | ify
ikechukwu | ike
inioluwa | ini
kenechukwu | kene
kofi koffi
kosisochukwu | kosi kosiso
kwabena kobina
kwadwo kojo
kwaku kweku
kwame kwami
kwasi kwesi
modupe modupeola | dupe
mofeoluwa | mofe
obinna | obi
olabisi | bisi
oluwabukola olubukola bukola | bukky
oluwadamilare | damilare | dami
oluwadarasimi | darasimi
oluwafemi olufemi | femi
oluwagbenga olugbenga | gbenga
oluwakemi olukemi | kemi
oluwanifemi | nifemi
oluwapelumi | pelumi
oluwaseun oluseun | seun
oluwaseyi oluseyi | seyi
oluwashola olusola olushola | shola sola
oluwatimilehin oluwatimileyin | timilehin timileyin | timi
oluwatobi oluwatobiloba tobiloba | tobi
oluwatomisin | tomi | tomisin
oluwatosin olutosin | tosin
oluwatoyin olutoyin | toyin
oluwayemi oluyemi | yemi
oluwayemisi oluyemisi | yemi | yemisi
oluwole oluwawole | wole
selamawit | selam
somtochukwu | somto
temiloluwa | temi
temitope | temi | tope
titilayo | titi
tolulope | tolu | lope
toluwalope | tolu
toluwani | tolu
uchechukwu | uche
uchenna | uche
ugochukwu | ugo
uzochukwu | uzo
yohannes yohanes
"""
"""Names of West and East Africa: whole, and by the half that is called out."""

EAST_ASIAN = """
cai choi tsai choy
chan chen
cheng zheng
cheung zhang
choi choe
chow zhou chau
deng tang
fung feng
he ho
hoang huynh
huang wong
hui xu hsu
jiang chiang
jung jeong chung
kwok guo
lam lin
lau liu
law luo lo
leung liang
li lee
ng wu
pak park
pan poon
tse xie
tsui xu hsu
vo vu
wang wong
ye yip
yeung yang
yuan yuen
zhao chiu
zhu chu
"""
"""Family names of one character, from Mandarin, Cantonese and others."""

JEWISH = """
avraham avrohom | avi | avrumi avrumy
chaim haim chayim
chana chanah channah
chaya chayah
cohen cohn kohen kohn
devorah dvora devora | devory
dovid david
efraim ephraim
eliezer eliazer | lazer
eliyahu eliyohu | eli
gittel | gitty
levy levi
malka malkah | malky
menachem menahem | mendel | mendy
miriam miryam | miri
mordechai mordecai mordche | motty motti
moshe moishe | moishy
naftali naftoli
pinchas pinchos
rivka rivkah rifka | rivky
schwartz schwarz
shimon shimmon | shimmy
shlomo shloime
shmuel | shmuli
tzvi zvi
weiss weisz
yaakov yakov yaacov yankev | yanky
yehoshua | shua
yehuda yehudah | yudi
yisroel yisrael | sruli
yitzchok yitzchak yitzhak itzhak | itzik | yitzy
yosef yoseph | yossi
"""
"""Hebrew and Yiddish names."""

FAMILY_NAMES = """
andersen anderson andersson
austin austen
bailey bayley baillie baily
balog balogova
barratt barrett
bennett bennet
berzins berzina
bohm boehm
braithwaite brathwaite
brown browne
burke bourke
burrows burroughs
byrne burne
cain kane caine
callaghan callahan ocallaghan
cerny cerna
cervenak cervenakova
clark clarke
connolly connelly conolly
cook cooke
cox coxe
daly daley
davidson davison
davies davis
dean deane
dickson dixon
doherty docherty dougherty
dunn dunne
dvorak dvorakova
fernandes fernandez
fraser frazer frasier frazier
gallagher gallacher
gardner gardiner gardener
gilmore gilmour
gomes gomez
goncalves gonsalves
gonzales gonzalez
goodwin goodwyn
gray grey
green greene
griffiths griffith
haines haynes
hansen hanson
hart harte
hayes hays heyes
hernandes hernandez
horvath horvathova
humphreys humphries
hutchinson hutchison
jamieson jameson
jeffreys jefferies jeffries
johnson johnston johnstone
kalnins kalnina
kavanagh cavanagh kavanaugh
keogh kehoe
kohler koehler
kovac kovacova
kruger krueger
lopes lopez
maguire mcguire
mahoney mahony omahony
martines martinez
matheson mathieson
matthews mathews
mcaulay mccauley macaulay
mccormack mccormick
mcintosh mackintosh macintosh
mckinley mckinlay
mclean mcclean maclean
mcleod macleod mccloud
mcloughlin mclaughlin
mcneil mcneill macneil
mendes mendez
miller millar
moffat moffatt moffett
morrison morison
muller mueller
munro munroe monroe
myers meyers
nichols nicholls nicolls
nicholson nicolson
novak novakova
novotny novotna
nunes nunez
obrien obrian obryan
okeefe okeeffe
oneill oneil oneal
oreilly oriley
osborne osborn osbourne
ozols ozola
patterson paterson
payne paine
pearce pierce peirce pearse
pearson pierson
peres perez
petersen peterson
phillips philips
pokorny pokorna
polak polakova
pospisil pospisilova
prochazka prochazkova
reid reed read reade
rhodes rhoades
rodrigues rodriguez
rogers rodgers
rowe roe
saint st
sanches sanchez
saunders sanders
schafer schaefer
schofield scholfield
schroder schroeder
sharp sharpe
shepherd sheppard shepard shephard
simmons simmonds simons simonds
simpson simson
sinclair stclair
smith smyth smythe
sousa souza
spencer spenser
stephens stevens
stephenson stevenson
svoboda svobodova
thompson thomson
thorpe thorp
toth tothova
townsend townshend
varga vargova
vaughan vaughn
vesely vesela
wallace wallis
walsh walshe
welch welsh
whitaker whittaker
white whyte
wilkes wilks
wynn wynne
yates yeates
young younge
"""
"""Family names that are written in more than one way."""

SECTIONS = (
    ENGLISH_GIVEN,
    CELTIC_GIVEN,
    MUSLIM,
    SOUTH_ASIAN,
    EAST_EUROPEAN,
    SOUTH_EUROPEAN,
    AFRICAN,
    EAST_ASIAN,
    JEWISH,
    FAMILY_NAMES,
)


@dataclass(frozen=True)
class Interchange:
    """Beginnings or endings that stand for each other where the name around them is the same."""

    letters: tuple[str, ...]
    rest: int
    """How many letters the rest of the word has at least."""


_Lettered = tuple[str, Interchange]
"""One of an interchange's beginnings or endings, and the interchange."""

BEGINNINGS = (
    # The son of: McDonald is MacDonald. Mack and Macy have too little left to be one.
    Interchange(("mac", "mc"), 3),
    # "Servant of the", as Pakistan, Egypt, Iran, West Africa and Somalia write it.
    Interchange(("abdul", "abdel", "abdal", "abdoul", "abdi", "cabdi"), 3),
)
ENDINGS = (
    # Kowalski and Kowalska, Zelensky and Zelenska, Dostoevskiy and Dostoevskaya: husband and wife,
    # and one man in three passports.
    Interchange(("ski", "sky", "skiy", "skyi", "skyy", "ska", "skaya"), 3),
    # Nowicki and Nowicka (Zawadzki ends in -ki after z). Vicky and Becky are too short.
    Interchange(("cki", "cky", "cka"), 3),
    Interchange(("dzki", "dzka"), 2),
    # Ivanov and Ivanova. Not Novak and Novakova by rule: Roman would be Romanova.
    Interchange(("ov", "ova"), 3),
    Interchange(("ev", "eva"), 3),
    # Pushkin and Pushkina. Not -in and -ina at large: Martin is not Martina.
    Interchange(("kin", "kina"), 3),
    Interchange(("shin", "shina"), 3),
    # A Lithuanian, his daughter and his wife.
    Interchange(("skas", "skaite", "skiene"), 3),
    Interchange(("cius", "ciute", "ciene"), 3),
    Interchange(("aitis", "aityte", "aitiene"), 3),
    # Icelanders: after a genitive only, for Pearson and Wilson have no sisters.
    Interchange(("sson", "sdottir"), 3),
    Interchange(("arson", "ardottir"), 3),
    # A Greek and his wife; Cypriots write -ides.
    Interchange(("poulos", "poulou"), 3),
    Interchange(("idis", "ides", "idou"), 3),
    # Punjabi names of two halves: Harjit, Kulvinder, Gurpreet, Sandeep.
    Interchange(("jit", "jeet"), 2),
    Interchange(("vinder", "winder"), 2),
    Interchange(("preet", "prit"), 2),
    Interchange(("deep", "dip"), 2),
    # "Of the faith", "of God", "the merciful": Nizamuddin, Habibullah, Mujiburrahman.
    Interchange(("uddin", "udin", "oddin", "uddeen", "udeen", "eddine"), 3),
    Interchange(("ullah", "ulla", "ollah"), 3),
    Interchange(("rahman", "rehman"), 2),
    # Ashley, Ashleigh and Ashlee.
    Interchange(("ley", "leigh", "lee"), 2),
)


def groups_of(section: str) -> list[list[list[str]]]:
    """The groups of a section, each the whole name's spellings and then each short form's."""
    lines = section.strip().replace("\n|", " |").splitlines()
    return [[part.split() for part in line.split("|")] for line in lines]


def spellings_of(word: str) -> frozenset[str]:
    """Everything that the name which this folded word is may be written as, the word itself too.

    The groups it stands in, and one beginning or ending of its own changed for another. These are
    not followed further, so a rule never carries a name out of one group into another.
    """
    listed = _LISTED.get(word)
    beginnings, endings = _BEGINNINGS.get(word[:2]), _ENDINGS.get(word[-2:])
    found: list[str] = []
    for letters, rule in beginnings or ():
        if word.startswith(letters) and len(word) >= len(letters) + rule.rest:
            rest = word[len(letters) :]
            found.extend([other + rest for other in rule.letters])
    for letters, rule in endings or ():
        if word.endswith(letters) and len(word) >= len(letters) + rule.rest:
            rest = word[: -len(letters)]
            found.extend([rest + other for other in rule.letters])
    if not found:
        return listed or frozenset((word,))
    return listed.union(found) if listed else frozenset(found)


def _listed() -> dict[str, frozenset[str]]:
    known_as: defaultdict[str, set[str]] = defaultdict(set)
    for section in SECTIONS:
        for whole, *short_forms in groups_of(section):
            everything = set(whole).union(*short_forms)
            for word in whole:
                known_as[word] |= everything
            for short_form in short_forms:
                for word in short_form:
                    known_as[word].update(whole, short_form)
    return {word: frozenset(others) for word, others in known_as.items()}


def _sorted_by(end: slice, rules: tuple[Interchange, ...]) -> dict[str, list[_Lettered]]:
    found: defaultdict[str, list[_Lettered]] = defaultdict(list)
    for rule in rules:
        for letters in rule.letters:
            found[letters[end]].append((letters, rule))
    return dict(found)


_LISTED = _listed()
# By their outermost two letters, which most words share with none of them.
_BEGINNINGS = _sorted_by(slice(2), BEGINNINGS)
_ENDINGS = _sorted_by(slice(-2, None), ENDINGS)
