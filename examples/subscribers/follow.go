// Follows a stream of Fanfare, and comes back when it ends. Needs Go 1.19 and nothing else.
//
//	go run follow.go http://127.0.0.1:3000/channels/news
//
// A token comes from FANFARE_TOKEN, if the server wants one.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Three heartbeats of the server. After this silence the connection is taken to be dead.
const silence = 45 * time.Second

// Event is one event of a stream.
type Event struct{ Type, Data, ID string }

type refused struct{ reason string }

func (err refused) Error() string { return err.reason }

// Follow calls handle with each event. It goes on until ctx ends or the server refuses the stream.
func Follow(ctx context.Context, url, token string, handle func(Event)) error {
	wait, lastEventID := 3*time.Second, ""
	for {
		err := follow(ctx, url, token, &lastEventID, &wait, handle)
		if _, ok := err.(refused); ok {
			return err
		}
		// The network, or the end of the stream: it is tried again.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func follow(ctx context.Context, url, token string, lastEventID *string, wait *time.Duration, handle func(Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(silence, cancel)
	defer timer.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return refused{err.Error()}
	}
	request.Header.Set("Accept", "text/event-stream")
	if *lastEventID != "" {
		request.Header.Set("Last-Event-ID", *lastEventID)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if status := response.StatusCode; status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		text, _ := io.ReadAll(response.Body)
		return refused{fmt.Sprintf("%d: %s", status, text)}
	}
	if response.StatusCode != http.StatusOK {
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
			*wait = time.Duration(seconds) * time.Second
		}
		return nil
	}

	reader := bufio.NewReader(response.Body)
	event, data := Event{Type: "message", ID: *lastEventID}, []string(nil)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return err // A line without an end is cut off.
		}
		timer.Reset(silence)
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			*lastEventID = event.ID
			if data != nil {
				event.Data = strings.Join(data, "\n")
				handle(event)
			}
			event, data = Event{Type: "message", ID: *lastEventID}, nil
		case field == "data":
			data = append(data, value)
		case field == "event":
			event.Type = value
		case field == "id":
			event.ID = value
		case field == "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				*wait = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: follow.go URL")
		os.Exit(1)
	}
	err := Follow(context.Background(), os.Args[1], os.Getenv("FANFARE_TOKEN"), func(event Event) {
		// fanfare.cursor only tells a position, and fanfare.gap that events are missing: load your state anew.
		if event.Type != "fanfare.cursor" {
			fmt.Printf("%s: %s\n", event.Type, event.Data)
		}
	})
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
