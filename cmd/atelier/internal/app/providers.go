package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/atelier-bridge/atelier/adapters/provider/bfl"
	"github.com/atelier-bridge/atelier/adapters/provider/gemini"
	"github.com/atelier-bridge/atelier/adapters/provider/openai"
	"github.com/atelier-bridge/atelier/adapters/provider/openrouter"
	"github.com/atelier-bridge/atelier/adapters/provider/selfhosted"
	"github.com/atelier-bridge/atelier/adapters/provider/stability"
	"github.com/atelier-bridge/atelier/core"
)

// maxFacts bounds a file of ATELIER_PROVIDER_DATA, in bytes.
const maxFacts = 1 << 20

// facts reads the operator's own data of a provider; nil when there is none.
func (a *App) facts(name core.ProviderName) ([]byte, error) { return facts(a.cfg, name) }

func facts(cfg Config, name core.ProviderName) ([]byte, error) {
	if cfg.ProviderData == "" {
		return nil, nil
	}
	path := filepath.Join(cfg.ProviderData, string(name)+".json")
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFacts {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), maxFacts)
	}
	return os.ReadFile(path)
}

// automatic builds a provider that programs may use.
func (a *App) automatic(name core.ProviderName) (core.Provider, error) {
	data, err := a.facts(name)
	if err != nil {
		return nil, err
	}
	return automatic(a.cfg, name, data, a.clock, a.telemetry)
}

func automatic(cfg Config, name core.ProviderName, data []byte, clock core.Clock, t core.Telemetry) (core.Provider, error) {
	url := cfg.ProviderURLs[name]
	switch name {
	case "openai":
		return openai.New(openai.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t})
	case "openrouter":
		return openrouter.New(openrouter.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t})
	case "gemini":
		return gemini.New(gemini.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t})
	case "stability":
		return stability.New(stability.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t})
	case "bfl":
		return bfl.New(bfl.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t})
	case "selfhosted":
		return selfhosted.New(selfhosted.Options{BaseURL: url, Facts: data, Clock: clock, Telemetry: t}, selfhosted.Shape(cfg.SelfhostedShape))
	}
	return nil, errors.New("it is not built in")
}
