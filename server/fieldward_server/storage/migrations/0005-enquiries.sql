-- Who asked for whom on line.

CREATE TABLE enquiry_log (
    authority TEXT NOT NULL PRIMARY KEY REFERENCES authority,
    head BLOB NOT NULL
);

CREATE TABLE enquiry (
    authority TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (authority, sequence),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);
