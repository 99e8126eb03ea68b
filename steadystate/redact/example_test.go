package redact_test

import (
	"fmt"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

func Example() {
	fmt.Println(redact.URL("https://ann:pw@shop.example/orders?token=1"))
	fmt.Println(redact.Text(`Get "https://shop.example/orders?token=1": connection refused`))
	fmt.Println(redact.Excerpt("<html>\n  <body>Sign in, please</body>\n</html>", 20))
	// Output:
	// https://xxxxx@shop.example/orders?token=xxxxx
	// Get "https://shop.example/orders?token=xxxxx": connection refused
	// <html> <body>Sign...
}
