package guard

import (
	"strings"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/guard/operator"
)

// language is all that notices are made of in one language.
type language struct {
	code                          operator.Language
	stopped, because, can         string
	holds                         string
	step, message, nothing, words string
	messageGone, resultGone       string
	why, status, goOn, tell, thaw string
	rest                          string               // of an answer
	pass                          string               // with the row's number
	approve                       string               // with the question's number
	run                           string               // with a command
	unproven, half                string               // with versions of OpenClaw
	secret                        string               // for the title of any credential; "" keeps detect's
	titles                        map[string]string    // of findings, by rule
	sentences                     map[string]string    // for the English ones that are said in code
	broken                        map[string][3]string // what, why, what to do, by wire's failure
}

var languages = map[operator.Language]language{
	operator.English: {
		code:    operator.English,
		stopped: "Stopped", because: "Because", can: "You can",
		holds: "it contains",
		step:  "a step of this answer", message: "your message was not passed on",
		nothing: "nothing was passed on to the model", words: "the model's words",
		messageGone: "a message was removed here", resultGone: "a tool result was removed here",
		why: "run seawall why %d", status: "run seawall status",
		goOn: "go on without it", tell: "tell the person that it was removed", thaw: "run seawall thaw",
		rest:    "the rest of this answer",
		pass:    "run seawall pass %d and send it again",
		approve: "run seawall approve %d on the machine, then ask again",
		run:     "run %s", unproven: "OpenClaw %s is not proven, %s was", half: "this OpenClaw is not whole, %s was",
		broken: map[string][3]string{
			"cut off":   {"a tool call", "the model's answer was cut off before the call was complete", "ask again"},
			"malformed": {"this answer", "the model's provider sent something that cannot be read in one way only", "ask again"},
			"too large": {"this answer", "it is larger than can be checked", "ask for less at once"},
			"unclear":   {"a tool call", "it can be read in more than one way", "send the call again, written plainly"},
		},
	},
	operator.German: {
		code:    operator.German,
		stopped: "Gestoppt", because: "Weil", can: "Du kannst",
		holds: "darin ist",
		step:  "ein Schritt dieser Antwort", message: "deine Nachricht wurde nicht weitergegeben",
		nothing: "an das Modell wurde nichts weitergegeben", words: "die Worte des Modells",
		messageGone: "hier wurde eine Nachricht entfernt", resultGone: "hier wurde das Ergebnis eines Werkzeugs entfernt",
		why: "seawall why %d aufrufen", status: "seawall status aufrufen",
		goOn: "ohne sie weitermachen", tell: "der Person sagen, dass es entfernt wurde", thaw: "seawall thaw aufrufen",
		rest:    "der Rest dieser Antwort",
		pass:    "seawall pass %d aufrufen und neu senden",
		approve: "auf dem Rechner seawall approve %d aufrufen, dann noch einmal fragen",
		run:     "%s aufrufen", unproven: "OpenClaw %s nicht bewiesen ist, %s war es", half: "dieses OpenClaw nicht ganz ist, %s war es",
		secret: "ein Geheimnis",
		titles: map[string]string{
			"injection-override":  "ein Befehl, frühere Anweisungen zu ignorieren",
			"injection-orders":    "neue Befehle",
			"injection-exfil":     "ein Weg, Daten wegzuschicken",
			"injection-reveal":    "eine Frage nach verborgenen Anweisungen",
			"injection-secrets":   "eine Frage nach Geheimnissen",
			"injection-address":   "Worte an den Assistenten",
			"injection-jailbreak": "ein Versuch, die Regeln aufzuheben",
			"injection-role":      "eine gefälschte Nachricht von System oder Assistent",
			"injection-boundary":  "ein gefälschtes Ende fremder Inhalte",
			"injection-hidden":    "versteckter Text",
			"injection-encoded":   "kodierte Befehle",
		},
		sentences: map[string]string{
			unkept:                              "kein Protokoll geführt werden kann, und darum nichts erlaubt ist",
			unruled:                             "die Regeln nicht angewendet werden konnten, und darum nichts erlaubt ist",
			unpermitted:                         "keine Regel es erlaubt",
			needsApproval:                       "es eine Freigabe braucht",
			denied:                              "du es abgelehnt hast",
			frozen:                              "der Agent eingefroren ist",
			"a rule of this machine forbids it": "eine Regel dieses Rechners es verbietet",
			"no answer of a model that passed Seawall asked for it": "keine Antwort eines Modells, die durch Seawall kam, es verlangt hat",
			"its arguments have no certain reading":                 "seine Angaben nicht eindeutig sind",
			"it belongs to no run that Seawall could know":          "es zu keinem Lauf gehört, den Seawall kennt",
			"Seawall does not know this plugin's token":             "Seawall das Kennwort dieses Plugins nicht kennt",
			"the plugin asks what this Seawall does not know":       "dieses Seawall die Frage des Plugins nicht kennt",
			"Seawall could not read the plugin's question":          "Seawall die Frage des Plugins nicht lesen konnte",
			"the question came from a web page or another machine":  "die Frage von einer Webseite oder einem anderen Rechner kam",
		},
		broken: map[string][3]string{
			"cut off":   {"ein Werkzeugaufruf", "die Antwort des Modells abbrach, bevor er vollständig war", "noch einmal fragen"},
			"malformed": {"diese Antwort", "der Anbieter des Modells etwas nicht eindeutig Lesbares geschickt hat", "noch einmal fragen"},
			"too large": {"diese Antwort", "sie größer ist, als geprüft werden kann", "weniger auf einmal verlangen"},
			"unclear":   {"ein Werkzeugaufruf", "man ihn auf mehr als eine Art lesen kann", "ihn noch einmal schicken, eindeutig geschrieben"},
		},
	},
}

// translated is a sentence of the code in a language; one that it has no words
// for stays as it is.
func (l language) translated(sentence string) string {
	if reason, ok := strings.CutPrefix(sentence, needsApproval+": "); ok {
		return l.translated(needsApproval) + ": " + l.translated(reason)
	}
	if s, ok := l.sentences[sentence]; ok {
		return s
	}
	return sentence
}

// title names a finding.
func (l language) title(f detect.Finding) string {
	if s, ok := l.titles[f.Rule]; ok {
		return s
	}
	if f.Kind == detect.Secret && l.secret != "" {
		return l.secret
	}
	return f.Title
}
