package effect

import (
	"strings"

	"github.com/openseawall/seawall/internal/lazyregexp"
)

// A tool that nobody named before is read as a person reads it: its name is a
// verb and a noun, in camelCase, snake_case, kebab-case or dotted, English or
// German; its description begins with a verb. What follows is the words, by what
// they mean.

// verb is what one does.
type verb uint8

const (
	noVerb   verb = iota
	looking       // get, list, search
	changing      // create, update, move
	removing      // delete, cancel
	telling       // send, post, reply
	running       // execute, deploy
	paying        // buy, transfer, book
	opening       // grant, share, invite
	reaching      // request, navigate: an address is reached
)

// verbKinds is what a verb does when nothing else is known.
var verbKinds = map[verb][]Kind{
	looking: {Read}, changing: {Write}, removing: {Destroy, Write}, telling: {Send}, running: {Execute}, paying: {Send, Spend},
	opening: {Widen}, reaching: {Read, Send},
}

// verbs are the words for what one does. A word in both lists of a language
// (post, order) is a verb only where a verb stands.
var verbs = map[string]verb{}

// nounsToo are verbs that are as often nouns, in their singular.
var nounsToo = wordSet(`email mail message post comment reply order charge transfer book share call invite text tweet note draft
	schedule file archive copy check view query count request list bid trade fax notice report document log record update
	review transport quote answer contact star bookmark label tag filter link search set bestellung kommentar`)

// statings end the name of what tells something, where no verb does: system_info.
var statings = wordSet(`status info information count details history metadata stats statistics summary health exists state`)

// nouns say what something is done to.
var nouns = map[string]noun{}

// noun is what a thing may be: an account is one of a bank, or of a user.
type noun uint16

const (
	aMail    noun = 1 << iota // a message to somebody, outside a chat
	aTalk                     // a message in a chat or on a page that others read
	aDate                     // a date in a calendar
	aPerson                   // an address book's entry
	aFile                     // a file, or what somebody keeps in an account of his
	aPage                     // what anybody may read
	aMemory                   // what the agent remembers
	aPayment                  // what costs it
	anAccess                  // who may do what
	aRoutine                  // what runs by itself later
	aProgram
	aClock
	aDevice      // a thing in a house
	noNoun  noun = 0
)

func init() {
	for v, list := range map[verb]string{
		looking: `get gets list lists read reads search searches find finds describe describes show shows query queries lookup look view views
			check checks count counts fetch fetches load loads inspect inspects browse browses download downloads resolve resolves
			retrieve retrieves return returns see watch monitor observe peek scan preview compare compares analyze analyse analyzes analyses
			summarize summarise translate translates calculate calculates compute computes convert converts parse parses validate validates
			verify verifies explain explains estimate estimates forecast detect detects extract extracts export exports diff select filter sort
			ask head tail stat glob grep whoami recall recommend suggest provide provides fetching getting listing
			track tracks hole holt hol lies liest suche sucht finde findet zeige zeigt liste listet pruefe prüfe prüft abrufen lesen suchen finden anzeigen
			auflisten prüfen ermitteln ermittelt liefert gibt berechne berechnet übersetze`,
		changing: `create creates make makes new add adds write writes update updates set sets put edit edits save saves insert inserts append appends
			move moves rename renames patch patches modify modifies change changes mark marks copy copies import imports assign assigns draft drafts
			reschedule reschedules store stores replace replaces upsert merge merges close closes reopen start begins begin stop stops pause resume
			turn toggle toggles scale scales rollback rotates switch switches pull pulls follow follows unfollow block blocks adjust dim tag tags label labels star stars unstar pin pins unpin archive archives unarchive snooze snoozes mute unmute
			read_state sync restore restores undo duplicate duplicates clone clones fork forks checkout_branch commit commits stage annotate bookmark
			record log complete completes finish flag flags unflag rate play skip lock locks register edit_state complete resize rotate generate
			generates remember remembers note memorize attach attaches increment decrement configure configures
			erstelle erstellt erstellen anlegen lege schreibe schreibt schreiben ändere ändert ändern aktualisiere aktualisiert aktualisieren setze
			setzt setzen speichere speichert speichern verschiebe verschiebt verschieben bearbeite bearbeitet bearbeiten benenne hinzufügen füge fügt
			kopiere kopiert kopieren merke`,
		removing: `delete deletes remove removes drop drops purge purges destroy destroys clear clears wipe wipes truncate truncates erase erases cancel
			cancels revoke revokes kill kills reset resets overwrite overwrites terminate terminates unlink trash trashes discard discards del rm
			uninstall uninstalls disable disables deactivate expire empty reject rejects decline declines leave unsubscribe
			lösche löscht löschen loesche entferne entfernt entfernen storniere storniert stornieren leere leert verwerfe kündige kündigt kündigen`,
		telling: `send sends post posts email emails mail mails message messages notify notifies publish publishes tweet tweets reply replies comment
			comments forward forwards dm sms broadcast broadcasts submit submits push pushes respond responds answer answers announce announces
			text texts call calls dial dials fax faxes contact contacts react reacts say speak speaks chat deliver delivers transmit transmits
			upload uploads report reports alert alerts ping pings remind reminds retweet repost quote mention ship exfiltrate relay
			sende sendet senden verschicke verschickt verschicken schicke schickt schicken poste postet posten veröffentliche veröffentlicht
			veröffentlichen antworte antwortet antworten leite weiterleiten benachrichtige benachrichtigt benachrichtigen melde teile_mit`,
		running: `run runs exec execute executes eval evaluate evaluates deploy deploys launch launches invoke invokes trigger triggers compile compiles
			build builds spawn spawns restart restarts reboot boot install installs apply applies dispatch dispatches rerun
			starte startet starten führe ausführen installiere installiert installieren`,
		paying: `pay pays buy buys purchase purchases transfer transfers order orders charge charges book books reserve reserves refund refunds checkout
			withdraw withdraws subscribe subscribes trade trades bid bids donate donates swap swaps rent rents sell sells wire wires remit tip
			stake renew renews upgrade topup fund invest payout
			bezahle bezahlt bezahlen zahle zahlt zahlen kaufe kauft kaufen bestelle bestellt bestellen buche bucht buchen überweise überweist
			überweisen reserviere reserviert reservieren miete spende`,
		opening: `grant grants share shares invite invites enable enables unlock unlocks disarm disarms allow allows approve approves authorize authorise authorizes
			expose exposes tunnel unblock whitelist allowlist permit permits promote promotes elevate impersonate delegate delegates accept
			accepts pair pairs join joins publishes_link connect connects link subscribe_webhook schedule schedules automate
			teile teilt teilen freigeben gewähre gewährt gewähren erlaube erlaubt erlauben einladen lade öffne öffnet entsperre`,
		reaching: `request requests navigate navigates goto visit visits http curl scrape scrapes crawl crawls webhook open opens rufe`,
	} {
		for w := range strings.FieldsSeq(list) {
			verbs[w] = v
		}
	}
	for n, list := range map[noun]string{
		aMail: `email mail mailbox inbox gmail outlook letter newsletter imap smtp thread draft attachment
			postfach brief nachricht e`,
		aTalk: `message msg chat channel dm sms conversation comment post tweet issue ticket pr pull review story announcement discussion
			slack discord telegram whatsapp signal matrix teams irc mastodon bluesky reply notification thread release gist feedback call
			kommentar beitrag chatnachricht kanal`,
		aDate:   `event calendar appointment meeting availability agenda slot busy freebusy termin kalender besprechung`,
		aPerson: `contact people person addressbook address profile user customer client lead attendee kontakt adressbuch kunde nutzer benutzer`,
		aFile: `file directory folder document doc drive path spreadsheet sheet cell note notebook wiki database table row record photo image picture
			screenshot clipboard repo repository branch code content disk s3 bucket object blob task todo reminder project board card page
			block workspace health finance statement balance account transaction ledger invoice
			db datei ordner dokument notiz aufgabe projekt konto kontostand`,
		aPage: `web website webpage site url news weather forecast stock quote rate currency wikipedia map place direction route hotel restaurant
			flight train rental company museum movie film book song recipe product price review rating package docs documentation library
			registry feed rss arxiv paper video youtube city country internet timezone
			wetter nachrichten karte strecke fahrplan webseite seite preis`,
		aMemory: `memory memories knowledge entity entities observation graph fact gedächtnis erinnerung`,
		aPayment: `payment order charge subscription transfer payout refund booking reservation purchase checkout bid trade donation
			wallet money fund payee beneficiary mandate loan rental hotel flight transaction invoice
			zahlung bestellung buchung überweisung abo abonnement`,
		anAccess: `user member collaborator role permission permissions access token key apikey credential password secret webhook share grant acl policy rule
			forward forwarding filter invite invitation link integration app oauth ssh firewall admin owner domain dns redirect plugin extension skill
			connector server proxy tunnel session login account certificate vpn delegate
			rolle recht berechtigung zugang zugriff passwort schlüssel freigabe regel einladung`,
		aRoutine: `cron schedule automation job trigger workflow timer hook routine scene zeitplan regelmäßig`,
		aProgram: `script command shell bash terminal python javascript sql function lambda pipeline deployment container sandbox cell skript befehl`,
		aClock:   `time date day today now clock timezone uhrzeit datum`,
		aDevice: `light lamp switch thermostat temperature climate fan cover blind shutter media volume vacuum sensor camera lock door garage gate alarm
			licht heizung schalter tür rollladen`,
	} {
		for w := range strings.FieldsSeq(list) {
			nouns[w] |= n
		}
	}
}

func wordSet(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// linking words end the phrase that says what something is done to.
var linking = wordSet(`to for in of by from on with at as into via about per and then or mit für von zu an nach bei auf aus über und`)

// joining words let a second verb follow.
var joining = wordSet(`and then und dann or`)

// wordShape cuts a name into words, camelCase too.
var wordShape = lazyregexp.New(`\p{Lu}?[\p{Ll}]+|\p{Lu}+|[0-9]+`)

// wordsOf are the words of a name or text, in lower case.
func wordsOf(name string, most int) []string {
	list := wordShape.FindAllString(name, most)
	for i, w := range list {
		list[i] = strings.ToLower(w)
	}
	return list
}

// singular is a noun without its plural's ending, where that is a word.
func singular(w string) string {
	for _, ending := range []string{"s", "es", "en", "e", "n"} {
		if base, ok := strings.CutSuffix(w, ending); ok && nouns[base] != noNoun {
			return base
		}
	}
	if base, ok := strings.CutSuffix(w, "ies"); ok && nouns[base+"y"] != noNoun {
		return base + "y"
	}
	return w
}
