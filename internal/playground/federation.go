package playground

import "net/http"

// signin is a token for the console's login page.
type signin struct{}

func (s *Server) federation(c *call) (answer, error) {
	r := refuse(http.StatusNotImplemented, "NotImplemented", "federation")
	return c.refused(r), r
}
