package change

// draft is a plan in the making: the machine as it would be after the wishes so
// far.
type draft struct{}

func (e File) wish(*draft, Change) error     { return nil }
func (e Set) wish(*draft, Change) error      { return nil }
func (e JSON) wish(*draft, Change) error     { return nil }
func (e Text) wish(*draft, Change) error     { return nil }
func (e Perm) wish(*draft, Change) error     { return nil }
func (e Remove) wish(*draft, Change) error   { return nil }
func (e Package) wish(*draft, Change) error  { return nil }
func (e Unit) wish(*draft, Change) error     { return nil }
func (e Sysctl) wish(*draft, Change) error   { return nil }
func (e Ruleset) wish(*draft, Change) error  { return nil }
func (e OpenClaw) wish(*draft, Change) error { return nil }
func (e Account) wish(*draft, Change) error  { return nil }
