package detect

import (
	"strings"
	"unicode/utf8"
)

// class is a set of things that a word can be in an order to a model. Words of
// all languages that mean the same share a class, so a rule holds for all.
type class uint64

const (
	override   class = 1 << iota // ignore, forget
	drop                         // skip, delete, stop: also innocent
	prior                        // previous, above
	every                        // all, any, everything
	your                         // your, given
	orders                       // instructions, rules, directions
	matter                       // text, context, what was said
	reveal                       // print, show, repeat
	send                         // email, forward, post
	credential                   // password, credentials
	key                          // key, token
	keyKind                      // api, access, private
	inner                        // system, initial, hidden
	prompt                       // prompt, configuration
	machine                      // AI, assistant, model
	fresh                        // new, updated
	only                         // just, only, instead
	persona                      // pretend, act as
	you                          // you, you are
	free                         // unrestricted, unfiltered
	without                      // no, without, not
	limit                        // restrictions, filters, ethics
	meta                         // injection, jailbreak, attacker: speaks about attacks
	example                      // example, such as
	never                        // don't, never
	lead                         // please, now, then: an order may follow
	iff                          // if, when
	attention                    // attention, important, notice
	obey                         // follow, adhere, execute
	end                          // end, begin
	user                         // user, human
	mode                         // mode
	developer                    // developer, debug, DAN
	refuse                       // refuse, decline, apologise
	illegal                      // illegal, unethical
	my                           // my, our
	doing                        // transfer, grant, delete
	from                         // from (now on)
	now                          // now
	rotated                      // written in rot13
	say                          // say, respond, write
	tool                         // tool, function
	private                      // conversation, history, emails
	me                           // me, us
	longer                       // longer, anymore
	as                           // as, like
	told                         // told, given, said
	binding                      // bound by, abide, care about
)

// lexicon gives the words of each class; accents are left out as fold does.
var lexicon = map[class]string{
	override: `ignore disregard forget overlook disregarding neglect dismiss unlearn
		ignoriere ignorieren ignoriert vergiss vergesse vergessen vergesst missachte missachten uberschreibe streichen
		ignora ignorad ignoren ignoremos olvida olvide olviden olvidad olvidate omite omita descarta descarte descarten desestima
		ignorez ignorer oublie oubliez oublier negligez
		ignorate ignorare ignori dimentica dimenticate dimenticare dimentichi trascura
		ignorem ignorar esqueca esquece esquecam esquecer desconsidere desconsiderar desconsidera descartar
		negeer negeren vergeet vergeten
		zignoruj ignoruj zignorujcie zapomnij zapomnijcie pomin pomijaj zaboravi ignorisi
		игнорируй игнорируите проигнорируи проигнорируите игнорировать забудь забудьте забыть отбрось
		yoksay yoksayin unut unutun gormezden
		忽略 无视 無視 忽視 忘记 忘記 忘掉 不要理会 忘れて 忘れろ 忘れ 無視して 무시 무시하고 무시해 무시하세요 잊어 잊고 잊어버려`,
	drop: `override bypass abandon supersede circumvent nullify void skip drop stop cancel replace remove delete leave discard erase clear scrap halt disable suspend deactivate abort break breaks breaking violate violates violating
		stoppe losche lass verwerfe ersetze borra elimina detente arrete efface cancella apaga esquecer verwijder usun удали отмени sil iptal 删除 取消 停止 削除 삭제`,
	prior: `previous previously prior above earlier preceding foregoing former before existing past preloaded existent
		vorherigen vorherige vorheriger vorangegangenen vorangegangene vorigen vorige obigen obige oben bisherigen bisherige bisher fruheren zuvor davor
		anteriores anterior previas previos previo previa arriba antes
		precedentes precedente precedents precedent anterieures dessus avant
		precedenti sopra prima anteriori
		acima previamente
		voorgaande eerdere bovenstaande vorige hierboven
		poprzednie poprzednich powyzsze powyzszych wczesniejsze wczesniejszych
		предыдущие предыдущих вышеуказанные прежние ранее выше
		onceki yukaridaki
		之前 以前 以上 上面 先前 前面 上述 これまで 上記 이전 위의 앞의 지금까지`,
	every: `all any every everything whatever each entire anything whole alle allen alles jegliche jede samtliche todas todos todo toda cualquier toutes tous tout toute tutte tutti tutto qualsiasi tudo quaisquer qualquer wszystkie wszystkich wszystko sve все всё всех tum butun her
		所有 一切 全部 任何 すべて 全て 全ての 모든 모두`,
	your: `your given deine deiner ihre deinen tus sus tu vos votre tes tuoi tue vostre suas seus teus je jouw uw twoje свои ваши твои sana senin 你的 您的 あなたの 당신의`,
	orders: `instructions instruction directions directives directive orders rules guidelines guideline instrucctions intructions instuctions constraints restrictions safeguards guardrails prompting prompts promt prompt restraints protocols
		anweisungen anweisung anordnungen vorgaben befehle regeln richtlinien instruktionen aufgaben auftrage
		instrucciones instruccion ordenes reglas indicaciones directrices
		consignes ordres regles directives
		istruzioni istruzione ordini regole direttive
		instrucoes instrucao ordens regras diretrizes
		instructies instructie opdrachten regels aanwijzingen
		instrukcje instrukcji polecenia polecen zasady instrukcije
		инструкции инструкции инструкций инструкциии указания указании правила правил команды
		talimatlari talimatlar talimat kurallari komutlari
		指令 指示 指示词 提示 提示词 规则 規則 命令 説明 プロンプト ルール 지시 지시를 지시사항 지시사항을 명령 명령을 규칙 규칙을 프롬프트`,
	matter: `command commands comandos comandi komutlari programming training constraints rest text context information information data documents document content contents messages message assignments assignment tasks task thoughts evidence input conversation words statements articles paragraph knowledge
		informationen texte kontext nachrichten gesagte dokumente gesprach informacion contexto texto contexte texte informations testo contesto informazioni informacoes tekst контекст сообщения текст 内容 上下文 对话 文脈 内容を 内容은 내용 내용을 대화`,
	reveal: `print show reveal output display repeat tell give list leak return expose provide disclose dump recite share describe encode translate summarize echo relay paraphrase uncover divulge copy spell rot13
		zeige zeig zeigen drucke nenne verrate gib wiederhole ausgeben zeigst muestra muestrame revela dime dame imprime repite muestre montre montrez affiche affichez revele donne donnez dis dites repete mostra mostrami rivela dimmi ripeti stampa mostre mostrar diga repita imprima toon laat geef herhaal onthul pokaz ujawnij podaj wypisz powtorz покажи покажите выведи раскрои напиши повтори goster soyle yazdir acikla
		显示 输出 打印 告诉 告訴 透露 重复 显示出 説明して 表示 出力 教えて 見せて 明らか 보여 보여줘 출력 알려 알려줘 공개 말해`,
	send: `send email forward post upload transmit mail submit exfiltrate deliver append
		sende schicke senden schick sendet enviar envia enviame envie envoie envoyez envoyer invia inviami mande manda stuur verstuur wyslij przeslij отправь отправьте пришли gonder 发送 发给 发 寄给 送って 送信 보내 보내줘 전송`,
	credential: `password passwords passwd credentials credential secrets passphrase logins login cookies seed passwort passworter kennworter zugangsdaten contrasena contrasenas credenciales identifiants senha senhas credenziali wachtwoord wachtwoorden haslo hasla hasel пароль пароли sifre sifreleri sifreler 密码 密碼 凭据 パスワード 비밀번호 암호`,
	key:        `key keys token tokens apikey apikeys schlussel llaves claves clave cles cle chiavi chiave chaves chave sleutel sleutels klucze klucz kluczy ключ ключи ключеи anahtar anahtarlari 密钥 密鑰 キー 鍵 키 키를`,
	keyKind:    `api access private secret ssh encryption signing auth authentication bearer session`,
	inner:      `system initial original hidden internal initialization starting initially inicial sistema systeme systems systeminstruktion sistem системныи 系统 系統 システム 시스템 underlying verbatim developer's above initials core`,
	prompt:     `prompt prompts instructions instruction message configuration exemplars directives prompttext prompttexte prompt_text rules guidelines promptts prompting pretext 提示 提示词 指令 プロンプト 指示 프롬프트 지시 промпт инструкции anweisungen instrucciones consignes istruzioni instrucoes talimatlari`,
	machine:    `ai assistant assistants chatbot llm llms gpt chatgpt gpt-4 bot claude copilot gemini openclaw agents agent model ki assistent asistente assistente assistant's chatgpt's ассистент asystent yapay 人工智能 助手 助理 アシスタント 어시스턴트 인공지능`,
	fresh:      `new updated newer neue neuen neuer nueva nuevas nuevo nuevos nouvelle nouvelles nouveau nuove nuova nova novas novo nieuwe nowe nowych новые новое yeni 新的 新 새로운`,
	only:       `just only instead simply exactly solely merely jsut stattdessen nur einfach solo solamente seulement sadece tylko только 只 仅 대신 代わりに 而是`,
	persona:    `pretend roleplay role-play act acting simulate imagine become immerse impersonate persona character`,
	you:        `you you're youre u du sie ihr tu usted vous voi voce jij ty ты вы sen siz 你 您 あなた 당신`,
	free:       `unrestricted unfiltered uncensored unlimited jailbroken unbound unchained limitless amoral unethically unhinged unmoderated rebellious uninhibited hacked`,
	without:    `no without not free beyond none nor zero neither isn't aren't any ohne keine sin sans senza sem zonder bez без`,
	limit:      `restrictions restriction limits limitations limitation filters filter filtering censorship boundaries ethics morality legality laws standards ethical morals moral guidelines confines constraints rules policy safeguards safety principles guardrails einschrankungen restricciones`,
	meta:       `injection injections jailbreaks jailbreaking attacker attackers attack attacks adversarial payload payloads malicious exploit vulnerability vulnerabilities detector detectors detection detect detects detected guardrail scanner scanners sanitize mitigation mitigations owasp threat threats red-team phishing flag flagged suspicious hijack hijacking untrusted prevents yara`,
	example:    `example examples e.g eg like phrases phrase pattern patterns sample samples containing contains says saying attempts attempt trying variants beispiel ejemplo exemple esempio`,
	never:      `never don't dont cannot can't won't not nicht no ne non nao niet nie не`,
	lead:       `please now then and also but must should kindly to bitte und jetzt dann por favor y ahora s'il et puis maintenant ora poi e agora alsjeblieft nu teraz prosze пожалуиста lutfen ve en instead first so therefore henceforth immediately temporarily oh`,
	iff:        `if when whenever wenn falls si se als jesli если eger 如果 もし 만약`,
	attention:  `attention important note notice message warning urgent dear hey alert hello instructions instruction notes reminder memo alerta achtung wichtig wichtige importante atencion attenzione uwaga внимание важно dikkat 注意 重要 중요 announcement update command prompt`,
	obey:       `follow adhere obey execute comply perform proceed carry befolge befolgen sigue suivez segui siga volg wykonaj следуи выполни 执行 遵循 従って 따라`,
	end:        `end begin start stop eof ende fin fine fim einde koniec`,
	user:       `user human operator owner users person`,
	mode:       `mode modus modo`,
	developer:  `developer dev debug debugging maintenance god admin administrator sudo root dan aim stan evil jailbreak devmode opposite machiavellian dude chaos`,
	refuse:     `refuse decline apologize apologise reject refusal refusals disclaimers disclaimer warnings moralize moralizing lecture denying deny censor`,
	illegal:    `illegal unethical immoral unlawful harmful nsfw explicit offensive dangerous racist sexist toxic profanity swear curse swearing profane illicit legality obscene inappropriate hateful violent porn pornographic erotic`,
	my:         `my our mine mein meine mi mon ma mio mia meu minha mijn moj moi мои benim`,
	doing:      `transfer grant delete schedule unlock unsubscribe purchase buy order book pay wire withdraw deposit download install upload add change update modify disable enable create register retrieve access search find initiate withdraw terminate cancel turn set share post send email forward fetch get check save remove`,
	from:       `from ab desde des da vanaf od с`,
	now:        `now henceforth onwards onward sofort nun jetzt`,
	say:        `say respond answer write reply speak sag sage schreibe schreib antworte antworten beantworte di escribe responde ecris ecrivez reponds repondez scrivi rispondi escreva responda zeg schrijf antwoord napisz odpowiedz напиши ответь yaz yanit 说 回答 回复 写 言って 答えて 써 대답`,
	tool:       `tool tools function command exec shell bash plugin werkzeug`,
	private:    `conversation history chat emails inbox credentials environment env variables files contacts data personal account confidential sensitive private message messages`,
	me:         `me us mir uns mim nous moi mnie мне bana 我 私に 나에게 저에게`,
	binding:    `bound abide abides adhere adheres follow follows following care cares obey obeys comply complies limited restricted conform regard hindered constrained subject concerned gebunden`,
	longer:     `longer anymore nicht mehr`,
	as:         `as like als como comme come jako как`,
	told:       `told given said received learned know read write wrote instructed gesagt besprochen gesagte dicho dit detto dito zei сказано said`,
}

// words is the lexicon by word.
var words = func() map[string]class {
	m := make(map[string]class, 2048)
	for c, list := range lexicon {
		for _, w := range strings.Fields(list) {
			m[fold(w).text] |= c
		}
	}
	for _, w := range []string{"ignore", "disregard", "forget", "previous", "prior", "instructions", "instruction", "reveal", "prompt", "system", "password", "rules", "all", "above"} {
		m[rot13(w)] |= m[w] | rotated
	}
	delete(m, rot13("all")) // nyy
	return m
}()

// longestHan is the longest word of the lexicon in a script without spaces, in
// runes.
const longestHan = 8

func rot13(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return r
		}
		return 'a' + (r-'a'+13)%26
	}, s)
}

// token is one word of a folded text.
type token struct {
	class      class
	start, end int32
	breaks     bool // a sentence, or a paragraph, ends before it
	opens      bool // so does a line, a clause, or a quotation begin
}

// tokens cuts a folded text into words.
func tokens(text string, all []token) []token {
	breaks, opens := true, true
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf && !inWord[c] {
			switch c {
			case '.', '!', '?', ';':
				if i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n' || text[i+1] == c || text[i+1] == '"' || text[i+1] == '\\' || text[i+1] == '\'' {
					breaks, opens = true, true
				}
			case '\n':
				if i > 0 && text[i-1] == '\n' {
					breaks = true
				}
				opens = true
			case '\\': // an escaped blank, in JSON that stands in a text
				if i+1 < len(text) && (text[i+1] == 'n' || text[i+1] == 't' || text[i+1] == 'r') {
					i++
				}
				opens = true
			case ' ', '\t', '\r':
			default:
				opens = true
			}
			i++
			continue
		}
		start := i
		if han(text[i:]) {
			n, cls := hanWord(text[i:])
			all = append(all, token{cls, int32(start), int32(start + n), breaks, opens})
			i += n
			breaks, opens = false, false
			continue
		}
		for i < len(text) && (inWord[text[i]] || text[i] >= utf8.RuneSelf && !han(text[i:])) {
			i++
		}
		w := text[start:i]
		if w[0] == '\'' || w[len(w)-1] == '\'' {
			if w[0] == '\'' {
				opens = true
			}
			w = strings.Trim(w, "'")
			if w == "" {
				continue
			}
		}
		all = append(all, token{classOf(w), int32(start), int32(i), breaks, opens})
		breaks, opens = false, false
	}
	return all
}

var inWord = letters("a-z0-9'_")

// classOf looks a word up, and once more without its disguise.
func classOf(w string) class {
	if len(w) > 48 {
		return 0
	}
	if c, ok := words[w]; ok {
		return c
	}
	disguised := false
	for i := 0; i < len(w); i++ {
		if c := w[i]; c >= utf8.RuneSelf || c >= '0' && c <= '9' || c == '_' {
			disguised = true
			break
		}
	}
	if !disguised || len(w) < 3 {
		return 0
	}
	return words[leet.Replace(latin(w))]
}

var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "_", "")

// han reports whether s begins with a sign of a script without spaces, or
// with a full stop of one.
func han(s string) bool {
	if s[0] < 0xE1 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s)
	return r >= 0x3000 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3
}

// hanWord is the longest word of the lexicon at s, or one sign.
func hanWord(s string) (int, class) {
	var ends [longestHan]int
	n := 0
	for i := 0; n < longestHan && i < len(s) && han(s[i:]); n++ {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
		ends[n] = i
	}
	for ; n > 1; n-- {
		if c, ok := words[s[:ends[n-1]]]; ok {
			return ends[n-1], c
		}
	}
	return ends[0], words[s[:ends[0]]]
}
