package fils

const usage = `Fils is a till for shops in the Emirates: type an amount, show the QR, be paid.

  fils [--training] [--data DIR] [--lang en|ar] [--sandbox-listen HOST:PORT]
                           open the till; without settings it opens for training
  fils connect --file settings.toml --data DIR [--passphrase-file FILE] [--replace]
                           connect this till to a merchant and import the key
  fils pair --code-file FILE --token-file FILE
                           exchange the code that a relay printed for this till,
                           and print the [relay] lines of settings.toml
  fils shift x             what has happened since the last Z
  fils shift z NUMBER      the sealed Z of a shift
  fils shift close         close the shift that is open and print its Z
  fils adopt NUMBER --note WHY
                           take up a sale that this journal lacks, by our number
                           of it or PayBy's, so that it can be refunded
  fils journal verify      check every event of the journal, and its end against
                           the last Z, the head kept beside the key, and the
                           copies in backup_folder
  fils journal export      print the journal, one JSON object a line
  fils journal find TEXT   sales by a number or its last digits, also those of a
                           refund, a reference, or an amount as on the screen
  fils journal story NUMBER [--raw]
                           every event of one sale and its refunds; --raw also what
                           PayBy sent, without the payer
  fils journal backup FILE copy the journal, while the till runs or not, and
                           verify the copy; keep it as safe as the journal
  fils journal restore FILE
                           put a verified copy in the place of the journal, with the
                           till closed; what lies there is kept beside it
  fils journal salvage DAMAGED NEW
                           save what can be saved of a damaged journal into a new
                           file, up to the first broken event
  fils journal rebuild     derive what screens read from the events again
  fils diagnose            how this till stands, as text to send to whoever
                           supports the shop: no amounts, payers or keys in it
  fils certify             run PayBy's acceptance cases, or judge sales by them;
                           fils certify --help says how
  fils version
  fils help

  --data DIR               where settings and journal are
                           (default %s)
  --training               practise: nothing leaves this computer, no money moves
  --sandbox-listen HOST:PORT
                           where the practice gateway answers, in training
  --lang en|ar             language of the screens
  --by MEMBER              who asks, once the shop has set up its staff; whoever
                           reads money data gives a PIN
  --pin-file FILE          holds that PIN; - reads it from standard input; without
                           the flag the terminal asks for it
  --code-file FILE         holds the pairing code; - reads it from standard input
  --token-file FILE        where the relay's token is written, for connect
  --passphrase-file FILE   holds the passphrase of the key file, where the
                           computer has no keyring; a terminal asks for it
  --replace                take the place of another merchant's connection, or of
                           a file
  --reclaim OWNER          where no PIN can be checked any more, as after a lost
                           keyring: give this owner a new PIN on the strength of
                           the key that is imported

Exit codes: 0 done, 1 failed or already open, 2 wrong command line,
3 no display or no OpenGL.
`
