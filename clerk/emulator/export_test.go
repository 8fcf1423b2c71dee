package emulator

import "net/http"

// InProcess is how tests take webhooks without a network.
func InProcess(h http.Handler) *http.Client { return inProcessClient(h) }
