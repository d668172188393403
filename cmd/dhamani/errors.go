package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/biometric/eval"
	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
	"github.com/dhamani-iq/dhamani/biometric/usb"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/piv"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/qr"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// The exit codes beside those of cli; the root command's help lists them.
const (
	exitNoCard      = 3 // no card service, no reader or no card
	exitRefused     = 4 // the card refused, or it is not a Dhamani card
	exitUntrusted   = 5 // a signature, certificate or trust check failed
	exitUnreachable = 6 // the centre or the agent cannot be reached
)

const ruleAdvice = "install the udev rules ('dhamani scanner supported --udev' prints them), plug the scanner in again, or run as administrator"

const swipeAgain = "swipe the card again, or type its number"

// table says for the errors of the packages below what to do about them and
// how to exit.
var table = cli.Table{
	{card.ErrServiceDown, exitNoCard, startService},
	{pcsc.ErrDenied, exitNoCard, "run it as a user who may use the card readers, or install the polkit rule"},
	{pcsc.ErrNoCgo, exitNoCard, "use a program built with cgo and libpcsclite-dev"},
	{card.ErrNoReader, exitNoCard, "plug a card reader in; 'dhamani reader list' shows them"},
	{card.ErrNoCard, exitNoCard, "put a card into the reader"},
	{card.ErrRemoved, exitNoCard, "put the card back and leave it in until the command ends"},
	{card.ErrReset, exitNoCard, "run the command again; close other programs that use the card"},
	{card.ErrBusy, exitNoCard, "close the other program that uses the card, then run the command again"},
	{envelope.ErrPerson, exitRefused, "'dhamani card read' lists the persons on the card"},
	{card.ErrUnpowered, exitNoCard, "take the card out, wipe its contacts and put it in with the chip first"},
	{card.ErrTransport, exitNoCard, "unplug the reader and plug it in again"},
	{usb.ErrNoCgo, exitNoCard, "use a program built with cgo and libusb-1.0-0-dev"},
	{scanner.ErrNoScanner, exitNoCard, "plug a scanner of the table in; 'dhamani scanner supported' prints it"},
	{scanner.ErrNoUSB, exitNoCard, "check that the system allows USB access and netlink sockets to this program"},
	{scanner.ErrDenied, exitNoCard, ruleAdvice},
	{scanner.ErrBusy, exitNoCard, "close the program that holds the scanner (fprintd is stopped with: systemctl stop fprintd)"},
	{scanner.ErrUnplugged, exitNoCard, "plug the scanner in again and leave it in until the command ends"},
	{scanner.ErrSlept, exitRefused, "run the command again; the scanner is opened anew"},
	{scanner.ErrNoFinger, exitRefused, "run the command again and put a finger on the scanner when it says so"},
	{errFlatImage, exitRefused, "clean the scanner, put a finger on and run the command again"},
	{tape.ErrMismatch, cli.ExitFailed, "play the recording with the program and --seed that it was made with"},
	{tape.ErrEnd, cli.ExitFailed, "use a recording of a whole capture"},
	{tape.ErrFormat, cli.ExitFailed, "give a folder with device and capture.pcapng or capture.ioctl, or a pcapng file of link type 220"},
	{scanner.ErrTimeout, exitNoCard, "unplug the scanner and plug it in again"},
	{scanner.ErrProtocol, exitNoCard, "unplug the scanner and plug it in again; record what it says with 'dhamani scanner record' if it stays"},
	{scanner.ErrStalled, exitNoCard, "unplug the scanner and plug it in again"},
	{scanner.ErrTransfer, exitNoCard, "unplug the scanner and plug it in again, without a hub in between"},
	{card.ErrNotDhamani, exitRefused, "put a Dhamani health card into the reader"},
	{card.ErrBlocked, exitRefused, "send the holder to the card office: the card is blocked"},
	{card.ErrTerminated, exitRefused, "send the holder to the card office: the card has ended"},
	{card.ErrMalformed, exitRefused, "try another card; if only this one fails, have it replaced"},
	{card.ErrNotActivated, exitRefused, "personalise the card first"},
	{card.ErrNotBlank, exitRefused, "put a blank card into the reader; 'dhamani card info' tells what this one is"},
	{personalise.ErrJournal, cli.ExitFailed, "repair or move the journal, or name another with --journal; without it the desk does not know which cards it has begun"},
	{personalise.ErrIncomplete, exitUnreachable, "run the command again; if it stays, report it to the centre: nothing was written to the card"},
	{client.ErrCertificate, exitUntrusted, "renew the workstation's enrolment, and check the clock"},
	{client.ErrOffline, exitUnreachable, "check the network and that the centre runs, then run the command again: what was done is not done twice"},
	{client.ErrProtocol, exitUnreachable, "check the address of the centre in agent.json"},
	{card.ErrVerify, exitRefused, "ask the holder again; when no tries are left, only the issuer gives them back"},
	{card.ErrVerifyBlocked, exitRefused, "have the issuer run 'dhamani card pin unblock'"},
	{card.ErrNoReference, exitRefused, "have the issuer give the card a PIN with 'dhamani card pin unblock'"},
	{card.ErrPINForm, cli.ExitUsage, "give 4 to 8 digits"},
	{card.ErrSecurityStatus, exitRefused, "check that the workstation's role allows this and its certificate has not ended"},
	{card.ErrSecureMessaging, exitUntrusted, "do not trust this card or reader; try the card in another reader"},
	{card.ErrChain, exitUntrusted, "do not rely on this card; report it to the card office"},
	{stripe.ErrForeign, exitRefused, "swipe the patient's card of the programme"},
	{stripe.ErrTrack, exitRefused, "set the stripe reader up to send track 2"},
	{stripe.ErrAmbiguous, exitRefused, "set the keyboard layout to the reader's, or type the number"},
	{stripe.ErrEmpty, exitRefused, swipeAgain},
	{stripe.ErrTooLong, exitRefused, swipeAgain},
	{stripe.ErrMisread, exitRefused, swipeAgain},
	{stripe.ErrFormat, exitRefused, swipeAgain},
	{stripe.ErrLRC, exitRefused, swipeAgain},
	{stripe.ErrCheckDigit, exitRefused, swipeAgain},
	{claim.ErrBlocked, exitRefused, "send the holder to the card office: the card is blocked"},
	{claim.ErrExpired, exitRefused, "ask for the card, or look the person up by name"},
	{claim.ErrNotYet, exitRefused, "check this workstation's clock"},
	{claim.ErrPrefix, exitRefused, "show the QR code that a clinic of the programme has made"},
	{claim.ErrSignature, exitUntrusted, "do not rely on this claim; report it to the card office"},
	{claim.ErrFormat, exitRefused, "scan the whole code again"},
	{extract.ErrImage, cli.ExitFailed, "give the image's resolution with --dpi, and an image of 64 pixels a side at least"},
	{extract.ErrFile, cli.ExitFailed, "give a PNG or JPEG image of at most 16 MiB"},
	{eval.ErrEmpty, cli.ExitFailed, "name the images FINGER_IMPRESSION.png, as 1_1.png, 1_2.png, 2_1.png"},
	{fmr.ErrFormat, cli.ExitFailed, "give a record of ISO/IEC 19794-2:2005 or INCITS 378-2004, or an image"},
	{qr.ErrImage, cli.ExitFailed, "give a PNG or JPEG image of at most 8 MiB"},
	{qr.ErrNotFound, cli.ExitFailed, "take the picture again: the whole code, straight and sharp"},
	{trust.ErrUnknownIssuer, exitUntrusted, "synchronise the trust list; if it stays, do not trust this card"},
	{trust.ErrKeyRevoked, exitUntrusted, "do not rely on it: its author's key was revoked"},
	{trust.ErrKeyExpired, exitUntrusted, "do not rely on it; check this workstation's clock if its author is known"},
	{trust.ErrUnknownKey, exitUntrusted, "synchronise the trust list; if it stays, do not rely on it"},
	{trust.ErrSignature, exitUntrusted, "do not trust this card; report it to the card office"},
	{trust.ErrExpired, exitRefused, "send the holder to the card office: the card has expired"},
	{client.ErrCertificate, exitUnreachable, "check the clock and the certificates' ends; enrol again if one has ended"},
	{client.ErrOffline, exitUnreachable, "check the network and the centre's address"},
	{piv.ErrPIN, exitRefused, "try again; when no tries are left, whoever issued the PIV card has to unblock it"},
	{piv.ErrPINBlocked, exitRefused, "have whoever issued the PIV card unblock its PIN"},
	{piv.ErrNoCertificate, exitRefused, "have certificates put into slots 9A and 9C of the PIV card"},
	{piv.ErrKey, exitRefused, "have keys on P-256 made in slots 9A and 9C of the PIV card"},
	{piv.ErrMalformed, exitRefused, "try another PIV card; if only this one fails, have it replaced"},
	{piv.ErrOtherCard, exitRefused, "put the PIV card back and leave it in until the command ends"},
	{piv.ErrNotPIV, exitRefused, "put the operator's PIV card into the reader"},
	{operators.ErrManyCards, cli.ExitFailed, "name the reader with --reader, or take the other cards out"},
	{operator.ErrNoCard, exitNoCard, "put the operator's PIV card into a reader; 'dhamani reader list' shows them"},
	{operator.ErrKind, cli.ExitFailed, "change the PIN with the tool that came with the PIV card"},
	{operator.ErrSecret, exitRefused, "try again; after three wrong ones each try has to wait"},
	{operator.ErrUnknown, exitRefused, "look at 'dhamani operator list'"},
	{operator.ErrNotGranted, exitRefused, "carry the operator's request to the centre, and its grant to 'dhamani operator accept'"},
	{operator.ErrWeak, cli.ExitFailed, "choose ten characters or more: some words are easier to keep than signs"},
	{operator.ErrID, cli.ExitFailed, "use letters a to z, digits and hyphens, at most 24"},
	{operator.ErrFormat, cli.ExitFailed, "remove the operator's credential, and make another one"},
	{agent.ErrTerminalExpired, exitRefused, "have the centre renew it: dhamani operator request ID --renew, or dhamani enrol request"},
	{errNoSecret, cli.ExitFailed, "type it when it is asked for, or give it as a line on standard input"},
	{home.ErrGrant, cli.ExitFailed, "take the grant to the folder whose request it answers"},
	{home.ErrNotEnrolled, cli.ExitFailed, "enrol the workstation, or give its folder with --home"},
	{home.ErrConfig, cli.ExitFailed, "correct agent.json in the folder given with --home"},
	{keystore.ErrPermissions, cli.ExitFailed, "let only the agent's user read the folder keys: chmod -R go= keys"},
	{os.ErrPermission, cli.ExitFailed, "run it as the agent's user or as an administrator"},
}
