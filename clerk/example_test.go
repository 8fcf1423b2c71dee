package clerk_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"inkwell/clerk"
)

func Example() {
	authenticator, err := clerk.New(clerk.Config{
		PublishableKey: clerk.NewPublishableKey("clerk.example.com", true),
		SecretKey:      "sk_live_copied_from_the_dashboard",
	})
	if err != nil {
		log.Fatal(err)
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		result, err := authenticator.Authenticate(r)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case result.Answer(w):
			return // the browser comes back with a fresh session
		case result.State == clerk.SignedIn:
			fmt.Fprintln(w, "Hello,", result.Claims.Subject)
		default:
			fmt.Fprintln(w, "Hello, stranger:", result.Reason)
		}
	}

	answer := httptest.NewRecorder()
	page(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 200 Hello, stranger: session-token-and-uat-missing
}
