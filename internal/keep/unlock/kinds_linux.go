package unlock

// systemKinds are those that need something of this system.
func systemKinds() []Kind {
	return []Kind{
		secretService(),
		keyctl(),
		pass(),
		plugin(),
	}
}
