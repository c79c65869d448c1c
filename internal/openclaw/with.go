package openclaw

import "maps"

// With returns the config as it is when some of its files have other texts, by
// their paths ("" for a config without one).
func (c *Config) With(texts map[string][]byte) (*Config, error) {
	all := map[string][]byte{}
	for _, s := range c.sources {
		all[s.path] = s.text
	}
	maps.Copy(all, texts)
	return c.reload(all)
}
