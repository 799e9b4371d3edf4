// Publishes one event to Fanfare, once, also when it has to ask again. Needs Go 1.19 and nothing else.
//
//	go run publish.go http://127.0.0.1:3000/channels/news "hello" tick
//
// The key comes from FANFARE_PUBLISH_KEY, if the server has one.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const attempts = 5

var client = &http.Client{Timeout: 10 * time.Second}

// Publish returns the server's answer: {"id": ..., "matched": ...}. It is an error when the server refuses the event, or
// when it cannot be reached.
func Publish(target, data, event, key string) (string, error) {
	if event != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + url.Values{"event": {event}}.Encode()
	}
	// The same in each attempt, so that the event is published once.
	once := make([]byte, 16)
	if _, err := rand.Read(once); err != nil {
		return "", err
	}

	var reason error
	for attempt := 0; attempt < attempts; attempt++ {
		if attempt > 0 {
			time.Sleep(pause(reason, attempt))
		}
		answer, err := ask(target, data, hex.EncodeToString(once), key)
		if err == nil {
			return answer, nil
		}
		reason = err
		var refusal *refused
		if errors.As(err, &refusal) && !refusal.isForAMoment() {
			break
		}
		// Otherwise nobody knows whether the event was published. With the same key it may be sent again.
	}
	return "", reason
}

func ask(target, data, once, key string) (string, error) {
	request, err := http.NewRequest(http.MethodPost, target, strings.NewReader(data))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	request.Header.Set("Idempotency-Key", once)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode/100 != 2 {
		return "", &refused{response.StatusCode, response.Header.Get("Retry-After"), string(answer)}
	}
	return string(answer), nil
}

// refused is an answer that is no success.
type refused struct {
	status     int
	retryAfter string
	answer     string
}

func (r *refused) Error() string { return fmt.Sprintf("%d: %s", r.status, r.answer) }

// isForAMoment says that the server, or a proxy in front of it, is away for a moment.
func (r *refused) isForAMoment() bool { return r.status >= 502 && r.status <= 504 }

func pause(reason error, attempt int) time.Duration {
	var refusal *refused
	if errors.As(reason, &refusal) {
		if seconds, err := strconv.Atoi(refusal.retryAfter); err == nil {
			return time.Duration(seconds) * time.Second
		}
	}
	return time.Duration(attempt*attempt) * 250 * time.Millisecond
}

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: publish URL DATA [TYPE]")
		os.Exit(1)
	}
	arguments := append(os.Args[1:], "")
	answer, err := Publish(arguments[0], arguments[1], arguments[2], os.Getenv("FANFARE_PUBLISH_KEY"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer)
}
