package lang

// where sentences for people are made, from the root of the repository.
var speaking = []string{"core", "adapters", "feedback", "cmd/atelier/internal/app"}

// silent are folders of which no person reads anything: simulators, tests' helpers, what an operator reads.
var silent = []string{"core/coretest", "adapters/discord/discordsim", "adapters/slack/slacksim", "adapters/provider/providersim", "adapters/ops", "adapters/vault", "feedback/feedbacktest", "feedback/archive"}

// operators are files whose sentences are for whoever installs and runs Atelier; those are in English, as its logs are.
var operators = []string{"doctor.go", "manifest.go", "install.go", "install_pages.go", "apps.go", "gateway.go", "socket.go", "dead.go", "client.go", "deadletters.go", "keys.go", "importing.go"}

// prompts are files whose sentences are for models, not for people.
var prompts = []string{"adapters/provider/internal/base/words.go"}

// words are the types whose constants people read; see the function word in core/studio.
var words = []string{"JobState", "TaskStatus", "Role", "Op", "Period", "Group"}

// spoken are functions and methods by the arguments that are sentences.
var spoken = map[string][]int{"T": {0}, "N": {1, 2}, "Say": {0}, "SayN": {1, 2}, "Errorf": {1}, "WithNext": {0}, "version": {0}, "provider": {0}, "language": {0}, "timezone": {0}, "tail": {1}, "notFound": {1}}

// shown are fields that people read, wherever they are set.
var shown = []string{"Title", "Label", "Footer", "Hint", "Submit", "Placeholder", "Help", "Menu", "Where", "Skip", "Scope", "Plan", "Balance", "Message", "Next"}

// plain are functions whose argument goes to people as it is: never a literal.
var plain = []string{"Plain", "text", "Text", "Bold"}

// allowed are the places that look like a mistake and are none, with the reason.
var allowed = map[string]string{
	"adapters/provider/bfl/bfl.go \"Black Forest Labs\"":                                                   "a name",
	"adapters/provider/stability/stability.go \"Stability AI\"":                                            "a name",
	"adapters/provider/selfhosted/selfhosted.go \"The self-hosted server\"":                                "a name",
	"adapters/provider/bfl/wire.go \"not found\"":                                                          "what the provider answers",
	"adapters/provider/bfl/bfl.go \" credits left\"":                                                       "kept with the account as it was told",
	"adapters/provider/stability/stability.go \" credits left\"":                                           "likewise",
	"adapters/provider/openai/openai.go \"may use \"":                                                      "likewise",
	"adapters/provider/openrouter/openrouter.go \" left of the key's limit\"":                              "likewise",
	"adapters/provider/midjourney/midjourney.go \"about %.1f fast minutes\"":                               "Midjourney's own unit",
	"adapters/provider/midjourney/midjourney.go \"/imagine prompt:\"":                                      "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go \" on picture \"":                                          "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go \"Zoom Out\"":                                              "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go \", with the words: \"":                                    "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go \"/describe with the picture\"":                            "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go \"/blend with the pictures\"":                              "names what is to be pressed or typed at Midjourney, which is in English",
	"adapters/provider/midjourney/midjourney.go `Job ID: (`":                                               "a pattern",
	"adapters/provider/midjourney/midjourney.go `\\s*\\[\\(Open on website[^\\]]*\\)\\]\\(<[^>]*>\\)\\s*`": "a pattern",
	"core/studio/order.go \" credits left\"":                                                               "how records have it",
	"core/studio/order.go \" left of the key's limit\"":                                                    "likewise",
	"core/studio/order.go \" fast minutes\"":                                                               "likewise",
	"core/studio/order.go Say text":                                                                        "a sentence of a provider's facts, if it is one",
	"core/studio/identity.go \"/atelier identity link \"":                                                  "what is to be typed",
	"core/relay/mirror.go Title talk":                                                                      "a record's name that nobody sees",
	"core/studio/project.go Label default_role":                                                            "an option's name, as it is typed",
	"core/studio/project.go Label mirror":                                                                  "likewise",
	"core/studio/project.go Label ask_above":                                                               "likewise",
	"core/studio/settings.go Label provider":                                                               "likewise",
	"core/studio/settings.go Label ask_above":                                                              "likewise",
	"core/studio/studio.go T sentence":                                                                     "the function itself",
	"core/studio/studio.go N one":                                                                          "the function itself",
	"core/studio/studio.go N other":                                                                        "the function itself",
	"feedback/review/review.go Errorf format":                                                              "notFound, whose callers are looked at",
	"core/lang.go T sentence":                                                                              "the function itself",
	"core/lang.go T s.other":                                                                               "a sentence that Say took as a constant",
	"core/lang.go N s.one":                                                                                 "likewise",
	"core/lang.go N s.other":                                                                               "likewise",
	"core/lang.go T t.Format(\"Mon\")":                                                                     "the names of days are listed below",
	"core/lang.go T t.Format(\"Jan\")":                                                                     "the names of months, too",
	"core/error.go T s.format":                                                                             "a sentence that Errorf took as a constant",
	"core/platform.go T sentence":                                                                          "the function itself",
	"core/prompt/prompt.go Say def.Help":                                                                   "from the table of parameters, which is collected",
	"core/prompt/prompt.go Say p.Help":                                                                     "likewise",
	"core/studio/order.go \"may use \"":                                                                    "how records have it",
	"core/command/names.go T id":                                                                           "names of verbs and options, which the table lists",
	"core/studio/words.go Say string(w)":                                                                   "words of closed sets, whose constants are collected",
	"core/studio/words.go T x":                                                                             "what a provider's adapter says of an account; its literals are collected",
	"core/studio/settings.go T t.Format(\"Jan\")":                                                          "the names of months",
	"core/studio/order.go T t.Format(\"January\")":                                                         "likewise",
	"core/studio/outlook.go T t.Format(\"Jan\")":                                                           "likewise",
	"core/relay/content.go T at.Format(\"Jan\")":                                                           "likewise",
	"core/studio/order.go T o.plan.How":                                                                    "from the providers' facts, which are collected",
	"core/studio/cards.go Say v.How":                                                                       "from the providers' facts, which are collected",
	"core/studio/help.go T how":                                                                            "likewise",
	"core/studio/help.go T r.Help":                                                                         "from the table, which is collected",
	"core/studio/help.go T o.Help":                                                                         "likewise",
	"core/studio/help.go T m":                                                                              "a platform's Missing, which is collected",
	"core/studio/answer.go T o.Help":                                                                       "from the table, which is collected",
	"core/studio/accounts.go T r":                                                                          "a rule of a provider's terms, which are collected",
	"core/studio/handoff.go T f.Where":                                                                     "from providers' literals, which are collected",
	"core/relay/content.go T f.Ref.Skip":                                                                   "from platforms' literals, which are collected",
	"core/relay/content.go Say strings.TrimSuffix(im.File.Skip, \".\")":                                    "likewise",
	"adapters/web/account.go T rule":                                                                       "a rule of a provider's terms, which are collected",
	"adapters/web/account.go T f":                                                                          "what a provider's adapter says of an account; its literals are collected",
	"adapters/discord/localise.go T sentence":                                                              "from the table, which is collected",
	"adapters/discord/interactions.go T busyText":                                                          "a constant of that file, which is collected",
	"adapters/slack/away.go T busyText":                                                                    "likewise",
	"adapters/discord/register.go T about":                                                                 "from the table",
}
