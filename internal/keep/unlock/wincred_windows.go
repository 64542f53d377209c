package unlock

import (
	api "github.com/danieljoos/wincred"
)

// credentials are the generic credentials of the user, on this machine only.
// https://learn.microsoft.com/windows/win32/api/wincred/
type credentials struct{}

func storedCredentials() items { return credentials{} }

func (credentials) state() (itemState, error) { return itemState{asks: true}, nil }

func (credentials) silence() error { return nil } // it never asks

func (c credentials) find(i item) error {
	data, err := c.get(i)
	clear(data)
	return err
}

func (credentials) get(i item) ([]byte, error) {
	kept, err := api.GetGenericCredential(i.target())
	if err != nil {
		return nil, err
	}
	return kept.CredentialBlob, nil
}

// add replaces what is there, as CredWrite does.
func (credentials) add(i item, data []byte) error {
	kept := api.NewGenericCredential(i.target())
	kept.Comment = i.label
	kept.CredentialBlob = data
	kept.Persist = api.PersistLocalMachine
	return kept.Write()
}

func (c credentials) update(i item, data []byte) error { return c.add(i, data) }

func (credentials) remove(i item) error { return api.NewGenericCredential(i.target()).Delete() }
