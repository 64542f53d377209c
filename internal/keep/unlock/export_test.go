package unlock

// Remembering gives an unlocker whose keeper is this process, for the contract.
func Remembering() func(Env) Unlocker {
	m := &memory{}
	return func(e Env) Unlocker { return keyed{kind: "desk", env: e, keeper: m} }
}
