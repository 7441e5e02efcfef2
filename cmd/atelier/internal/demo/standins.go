package demo

import (
	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/core"
)

// standinSide is the side of the stand-ins' pictures, in pixels.
const standinSide = 256

// standinBalance is what each persona has at each stand-in, in millionths of a dollar.
const standinBalance = 10_000_000

// Key is a persona's own key at a stand-in.
type Key struct {
	Provider string `json:"provider"`
	Owner    string `json:"owner"`
	Key      string `json:"key"`
}

// KeyOf returns a persona's key at a stand-in: good for nothing anywhere else.
func KeyOf(provider, persona string) string {
	return "sk-standin-" + provider + "-" + persona + "-0000000000"
}

// Keys lists the personas' keys at the stand-ins that are switched on; those of OpenRouter come from its own page.
func (w *World) Keys() []Key {
	var out []Key
	for _, name := range w.o.Standins {
		for _, p := range Personas() {
			if name != providersim.OpenRouter && name != providersim.SelfHosted {
				out = append(out, Key{Provider: name, Owner: p.Key, Key: KeyOf(name, p.Key)})
			}
		}
	}
	return out
}

// standins offers the stand-ins as providers.
func (w *World) standins() {
	if w.cfg.ProviderURLs == nil {
		w.cfg.ProviderURLs = map[core.ProviderName]string{}
	}
	for _, name := range w.o.Standins {
		w.cfg.Providers = append(w.cfg.Providers, core.ProviderName(name))
		w.cfg.ProviderURLs[core.ProviderName(name)] = w.URL() + "/sim/providers/" + name
	}
	for _, k := range w.Keys() {
		w.Providers.AddKey(k.Provider, k.Key, k.Owner, standinBalance)
	}
}
