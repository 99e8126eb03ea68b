package bench_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aftershockhq/aftershock/internal/bench"
)

func ExampleStart() {
	ctx := context.Background()
	b, err := bench.Start(ctx, bench.Options{Services: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := b.Stop(); err != nil {
			fmt.Println(err)
		}
	}()
	// Connections, not requests, are balanced.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		response, err := client.Get(b.URL())
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = response.Body.Close()
		fmt.Println(response.StatusCode, response.Header.Get(bench.PodHeader))
	}
	// Output:
	// 200 service-1
	// 200 service-2
	// 200 service-1
	// 200 service-2
}
