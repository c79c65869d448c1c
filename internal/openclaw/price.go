package openclaw

import "os"

// Price is that of a model, in US dollars for a million tokens, as a provider's
// models[].cost has it (docs/gateway/configuration-examples.md).
type Price struct {
	Input      float64 `json:"input"`
	Output     float64 `json:"output"`
	CacheRead  float64 `json:"cacheRead"`
	CacheWrite float64 `json:"cacheWrite"`
}

// Free reports whether nothing costs anything. OpenClaw's own setup writes that for
// models of which it does not know the price.
func (p Price) Free() bool { return p == Price{} }

// Prices are those of the models that a config, or an agent's models.json among the
// files, lists with one, by "provider/model". The config goes before the files. It
// is for whoever may read them.
func Prices(c *Config, files ...string) map[string]Price {
	all := map[string]Price{}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxPriced {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if f, err := ParseConfig(text); err == nil {
			f.prices(all, "providers")
		}
	}
	c.prices(all, "models", "providers")
	return all
}

const (
	maxPriced = 8 << 20 // bytes of a models.json
	maxPrices = 4096    // models
)

// prices adds those of the providers at a path.
func (c *Config) prices(all map[string]Price, path ...string) {
	for _, id := range c.keys(path...) {
		list, _ := c.At(append(path[:len(path):len(path)], id, "models")...)
		models, _ := list.([]any)
		for _, m := range models {
			model, _ := m.(map[string]any)
			name, _ := model["id"].(string)
			cost, ok := model["cost"].(map[string]any)
			if name == "" || !ok || len(all) >= maxPrices {
				continue
			}
			of := func(key string) float64 { n, _ := cost[key].(float64); return max(0, n) }
			all[id+"/"+name] = Price{of("input"), of("output"), of("cacheRead"), of("cacheWrite")}
		}
	}
}
