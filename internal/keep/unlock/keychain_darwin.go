package unlock

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// loginKeychain loads the frameworks at the first call only.
func loginKeychain() items { return keychainItems{sync.OnceValues(openSecurity)} }

// keychainItems are generic passwords in the default keychain, which is the
// login keychain unless the person chose another one.
// https://developer.apple.com/documentation/security/keychain-items
type keychainItems struct{ frameworks func() (*security, error) }

// attributes are the keys of a CFDictionary with their values: the name of a
// constant, a text, or bytes.
type attributes map[string]any

type constant string

func (i item) query() attributes {
	return attributes{
		"kSecClass":       constant("kSecClassGenericPassword"),
		"kSecAttrService": i.service,
		"kSecAttrAccount": i.account,
	}
}

func (k keychainItems) state() (itemState, error) {
	const (
		unlocked       = 1          // kSecUnlockStateStatus
		callersSession = 0xFFFFFFFF // callerSecuritySession
		graphicAccess  = 0x10       // sessionHasGraphicAccess
	)
	s, err := k.frameworks()
	if err != nil {
		return itemState{}, err
	}
	var status, session, has uint32
	if err := failed(s.keychainStatus(0, &status)); err != nil {
		return itemState{}, err
	}
	// A session that cannot be looked at is treated as one without a screen.
	asks := s.sessionInfo(callersSession, &session, &has) == 0 && has&graphicAccess != 0
	return itemState{locked: status&unlocked == 0, asks: asks}, nil
}

// silence holds for this process, which has nothing else to ask there.
func (k keychainItems) silence() error {
	s, err := k.frameworks()
	if err != nil {
		return err
	}
	return failed(s.allowQuestions(false))
}

func (k keychainItems) find(i item) error {
	return k.with(i.query(), func(s *security, query uintptr) error { return failed(s.itemCopy(query, nil)) })
}

func (k keychainItems) get(i item) ([]byte, error) {
	query, data := i.query(), []byte(nil)
	query["kSecReturnData"] = constant("kCFBooleanTrue")
	err := k.with(query, func(s *security, query uintptr) error {
		var found uintptr
		if err := failed(s.itemCopy(query, &found)); err != nil {
			return err
		}
		if found == 0 { // an item without data
			return nil
		}
		defer s.release(found)
		data = append(data, unsafe.Slice(s.dataBytes(found), s.dataLength(found))...)
		return nil
	})
	return data, err
}

func (k keychainItems) add(i item, data []byte) error {
	whole := i.query()
	whole["kSecAttrLabel"] = i.label
	whole["kSecValueData"] = data
	return k.with(whole, func(s *security, whole uintptr) error { return failed(s.itemAdd(whole, nil)) })
}

func (k keychainItems) update(i item, data []byte) error {
	return k.with(i.query(), func(s *security, query uintptr) error {
		return k.with(attributes{"kSecValueData": data}, func(_ *security, change uintptr) error {
			return failed(s.itemUpdate(query, change))
		})
	})
}

func (k keychainItems) remove(i item) error {
	return k.with(i.query(), func(s *security, query uintptr) error { return failed(s.itemDelete(query)) })
}

func failed(code int32) error {
	if code == 0 {
		return nil
	}
	return osStatus(code)
}

// with makes a dictionary for one call.
func (k keychainItems) with(a attributes, call func(s *security, dictionary uintptr) error) error {
	s, err := k.frameworks()
	if err != nil {
		return err
	}
	dictionary := s.newDictionary(0, 0, s.keyCallBacks, s.valueCallBacks)
	if dictionary == 0 {
		return errCoreFoundation
	}
	defer s.release(dictionary)
	for name, value := range a {
		if err := s.put(dictionary, name, value); err != nil {
			return err
		}
	}
	return call(s, dictionary)
}

// errCoreFoundation is for a constructor that gives nothing.
var errCoreFoundation = errors.New("CoreFoundation has no memory left")

// put gives the dictionary a value, which it keeps for itself.
func (s *security) put(dictionary uintptr, name string, value any) error {
	const utf8 = 0x08000100 // kCFStringEncodingUTF8
	made := uintptr(0)
	switch value := value.(type) {
	case constant:
		s.setValue(dictionary, s.constants[constant(name)], s.constants[value])
		return nil
	case string:
		made = s.newString(0, []byte(value), len(value), utf8, false)
	case []byte:
		made = s.newData(0, value, len(value))
	}
	if made == 0 {
		return errCoreFoundation
	}
	s.setValue(dictionary, s.constants[constant(name)], made)
	s.release(made)
	return nil
}

// security is what is called of CoreFoundation and Security.framework. A
// uintptr is a reference, of which a name with new or copy says that it is ours
// to release.
type security struct {
	release       func(ref uintptr)
	newString     func(allocator uintptr, bytes []byte, n int, encoding uint32, external bool) uintptr
	newData       func(allocator uintptr, bytes []byte, n int) uintptr
	newDictionary func(allocator uintptr, capacity int, keys, values uintptr) uintptr
	setValue      func(dictionary, key, value uintptr)
	dataBytes     func(data uintptr) *byte
	dataLength    func(data uintptr) int

	itemAdd        func(attributes uintptr, result *uintptr) int32
	itemCopy       func(query uintptr, result *uintptr) int32
	itemUpdate     func(query, change uintptr) int32
	itemDelete     func(query uintptr) int32
	keychainStatus func(keychain uintptr, status *uint32) int32
	sessionInfo    func(session uint32, id, has *uint32) int32
	allowQuestions func(allow bool) int32

	keyCallBacks, valueCallBacks uintptr
	constants                    map[constant]uintptr
}

// openSecurity loads both frameworks, which have no file of their own on newer
// systems and are found by this path all the same.
func openSecurity() (*security, error) {
	const folder = "/System/Library/Frameworks/"
	core, err := purego.Dlopen(folder+"CoreFoundation.framework/CoreFoundation", purego.RTLD_LAZY|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading CoreFoundation: %w", err)
	}
	keys, err := purego.Dlopen(folder+"Security.framework/Security", purego.RTLD_LAZY|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading Security.framework: %w", err)
	}
	s := &security{constants: map[constant]uintptr{}}
	if err := errors.Join(s.openCore(core), s.openKeys(keys)); err != nil {
		return nil, fmt.Errorf("this version of macOS lacks a call: %w", err)
	}
	return s, nil
}

func (s *security) openCore(library uintptr) error {
	err := functions(library, map[string]any{
		"CFRelease":                 &s.release,
		"CFStringCreateWithBytes":   &s.newString,
		"CFDataCreate":              &s.newData,
		"CFDictionaryCreateMutable": &s.newDictionary,
		"CFDictionarySetValue":      &s.setValue,
		"CFDataGetBytePtr":          &s.dataBytes,
		"CFDataGetLength":           &s.dataLength,
	})
	var keys, values error
	s.keyCallBacks, keys = purego.Dlsym(library, "kCFTypeDictionaryKeyCallBacks")
	s.valueCallBacks, values = purego.Dlsym(library, "kCFTypeDictionaryValueCallBacks")
	return errors.Join(err, keys, values, s.read(library, "kCFBooleanTrue"))
}

func (s *security) openKeys(library uintptr) error {
	return errors.Join(functions(library, map[string]any{
		"SecItemAdd":           &s.itemAdd,
		"SecItemCopyMatching":  &s.itemCopy,
		"SecItemUpdate":        &s.itemUpdate,
		"SecItemDelete":        &s.itemDelete,
		"SecKeychainGetStatus": &s.keychainStatus,
		"SessionGetInfo":       &s.sessionInfo,

		"SecKeychainSetUserInteractionAllowed": &s.allowQuestions,
	}), s.read(library, "kSecClass", "kSecClassGenericPassword", "kSecAttrService", "kSecAttrAccount",
		"kSecAttrLabel", "kSecValueData", "kSecReturnData"))
}

func functions(library uintptr, all map[string]any) error {
	for name, function := range all {
		at, err := purego.Dlsym(library, name)
		if err != nil {
			return err
		}
		purego.RegisterFunc(function, at)
	}
	return nil
}

// read remembers constants, which are variables that hold a reference.
func (s *security) read(library uintptr, names ...constant) error {
	for _, name := range names {
		at, err := purego.Dlsym(library, string(name))
		if err != nil {
			return err
		}
		s.constants[name] = **(**uintptr)(unsafe.Pointer(&at))
	}
	return nil
}
