package sketch

import (
	"strings"
	"unicode"
)

// scene is what the words ask for.
type scene struct {
	seed    uint64 // of all words, so that unknown ones count too
	mood    string // day, dawn, sunset, night, neon, mono, snow, fire, spring
	ground  string // sea, hills, mountains, desert, city, forest, space
	fog     float64
	rain    bool
	snow    bool
	stars   bool
	subject []string
}

// vocabulary maps words to what they mean for a picture. It is built per call: it is small, and nobody can change it.
func vocabulary() map[string]string {
	table := map[string]string{
		"mood:night":   "night midnight moon moonlit dark star stars starry nocturne evening",
		"mood:sunset":  "sunset dusk golden amber autumn warm copper twilight",
		"mood:dawn":    "dawn morning sunrise pastel soft pink misty",
		"mood:neon":    "neon cyberpunk synthwave vaporwave electric cyber futuristic",
		"mood:mono":    "monochrome ink noir black white charcoal graphite silhouette",
		"mood:snow":    "snow snowy winter ice frozen arctic glacier frost cold",
		"mood:fire":    "fire lava volcano ember burning flame flames",
		"mood:spring":  "spring green meadow fresh lush jungle garden",
		"ground:sea":   "sea ocean lighthouse boat ship sail harbour harbor coast beach island waves lake river fish whale water bay pier",
		"ground:mount": "mountain mountains alps peak peaks cliff canyon summit volcano",
		"ground:city":  "city street skyline town tokyo york london paris tower towers neon cyberpunk building buildings urban rooftop",
		"ground:wood":  "forest tree trees wood woods pine jungle fox deer owl",
		"ground:sand":  "desert dune dunes sand sahara cactus camel mars",
		"ground:space": "space planet planets galaxy nebula cosmos astronaut rocket orbit universe",
		"ground:hills": "hill hills field fields meadow farm village countryside garden",
		"fog":          "fog foggy mist misty haze hazy smoke cloud clouds cloudy",
		"rain":         "rain rainy storm stormy drizzle",
		"flakes":       "snow snowing snowy blizzard",
		"s:lighthouse": "lighthouse beacon",
		"s:boat":       "boat ship sail sailing yacht",
		"s:house":      "house cottage cabin hut barn farm village home",
		"s:tree":       "tree oak garden",
		"s:castle":     "castle fortress palace tower",
		"s:balloon":    "balloon balloons airship",
		"s:bird":       "bird birds crane cranes gull gulls owl crow paper",
		"s:cat":        "cat kitten fox dog wolf",
		"s:person":     "person woman man girl boy child figure walker portrait dancer astronaut king queen",
		"s:rocket":     "rocket spaceship",
		"s:bridge":     "bridge",
		"s:flower":     "flower flowers rose tulip poppy poppies blossom bouquet",
	}
	out := map[string]string{}
	for key, words := range table {
		for _, w := range strings.Fields(words) {
			out[w] += " " + key
		}
	}
	return out
}

// read finds in the words what can be drawn; without is the value of --no.
func read(prompt, without string) scene {
	sc := scene{}
	split := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	banned := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(without), split) {
		banned[w] = true
	}
	vocab := vocabulary()
	for _, w := range strings.FieldsFunc(strings.ToLower(prompt), split) {
		sc.seed = hash(sc.seed, hashWord(w))
		if banned[w] {
			continue
		}
		for _, key := range strings.Fields(vocab[w]) {
			sc.take(key)
		}
	}
	moods := []string{"day", "dawn", "sunset", "spring", "night"}
	grounds := []string{"hills", "mount", "sea", "sand", "wood"}
	if sc.mood == "" {
		sc.mood = moods[sc.seed%uint64(len(moods))]
		if sc.fog > 0 {
			sc.mood = "dawn"
		}
		if sc.ground == "space" {
			sc.mood = "night"
		}
	}
	if sc.ground == "" {
		sc.ground = grounds[(sc.seed>>8)%uint64(len(grounds))]
	}
	if len(sc.subject) == 0 && sc.ground != "city" && sc.ground != "space" {
		any := []string{"tree", "house", "bird", "person", "balloon", "boat"}
		sc.subject = []string{any[(sc.seed>>16)%uint64(len(any))]}
	}
	sc.stars = sc.mood == "night" || sc.ground == "space"
	return sc
}

func (sc *scene) take(key string) {
	switch kind, name, _ := strings.Cut(key, ":"); kind {
	case "mood":
		if sc.mood == "" {
			sc.mood = name
		}
	case "ground":
		if sc.ground == "" {
			sc.ground = name
		}
	case "fog":
		sc.fog = min(1, sc.fog+.7)
	case "rain":
		sc.rain = true
	case "flakes":
		sc.snow = true
	case "s":
		if len(sc.subject) < 3 {
			for _, s := range sc.subject {
				if s == name {
					return
				}
			}
			sc.subject = append(sc.subject, name)
		}
	}
}

func hashWord(w string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(w) {
		h = (h ^ uint64(w[i])) * 1099511628211
	}
	return h
}
