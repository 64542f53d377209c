package unlock

import (
	"errors"
	"fmt"
	"strconv"
)

// osStatus is what a call of Security.framework gives.
type osStatus int32

func (s osStatus) Error() string { return "code " + strconv.Itoa(int(s)) }

// The codes that have words of their own here (SecBase.h).
const (
	errSecUserCanceled          osStatus = -128
	errSecInvalidOwnerEdit      osStatus = -25244
	errSecNotAvailable          osStatus = -25291
	errSecAuthFailed            osStatus = -25293
	errSecNoSuchKeychain        osStatus = -25294
	errSecDuplicateItem         osStatus = -25299
	errSecItemNotFound          osStatus = -25300
	errSecNoDefaultKeychain     osStatus = -25307
	errSecInteractionNotAllowed osStatus = -25308
	errSecInteractionRequired   osStatus = -25315
	errSecInDarkWake            osStatus = -25320
)

// keychain is the login keychain of macOS. The keychain for data protection is
// not open to programs without an entitlement, which takes a signature. An item
// trusts the program that made it: another build of fob makes macOS ask.
func keychain(open func() items) Kind {
	return itemStore{
		name:  "keychain",
		help:  "the login keychain of macOS",
		open:  open,
		show:  func(i item) string { return "security find-generic-password -w -s " + i.service + " -a " + i.account },
		words: keychainWords,
		shut:  errors.New("it is locked, and nobody can be asked here, as over ssh: security unlock-keychain"),
	}.kind()
}

func keychainWords(err error) error {
	code := osStatus(0)
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case errSecItemNotFound:
		return errNoItem
	case errSecDuplicateItem:
		return errDuplicate
	case errSecUserCanceled:
		return errors.New("its question was answered with Cancel or Deny")
	case errSecAuthFailed:
		return errors.New("it does not let this program have the key: the password was wrong, or another build of fob made the item")
	case errSecInvalidOwnerEdit:
		return errors.New("another build of fob made the item: remove it in Keychain Access, where its name begins with fob store")
	case errSecInteractionNotAllowed, errSecInteractionRequired, errSecInDarkWake:
		// That it is not locked was looked at before.
		return errAsks
	case errSecNoDefaultKeychain, errSecNoSuchKeychain:
		return errors.New("this user has no login keychain: open Keychain Access once, which makes it")
	case errSecNotAvailable:
		return errors.New("no keychain is within reach of this process")
	}
	return fmt.Errorf("it answers with %w, which security error %d explains", code, int(code))
}
