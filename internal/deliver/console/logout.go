package console

import (
	"net/url"

	"fob/internal/cred"
)

// LogoutURL is a page that ends the console session of the browser and, where
// then is not zero, leads on to that sign-in link. Where several sessions at
// once are turned on in the browser, AWS answers such a page with an error and
// leads nowhere; in GovCloud it does not lead on either. Errors are as for
// SigninURL.
func LogoutURL(r Request, then cred.Secret) (cred.Secret, error) {
	at, err := placeOf(r)
	if err != nil {
		return cred.Secret{}, err
	}
	query := url.Values{"Action": {"logout"}}
	if !then.IsZero() {
		query.Set("redirect_uri", then.Reveal())
	}
	return cred.NewSecret(at.oauth + "?" + query.Encode()), nil
}
