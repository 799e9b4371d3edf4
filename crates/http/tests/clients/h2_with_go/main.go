// One HTTP/2 connection of Go's net/http: its address, and a file with the authority. multiplexed.rs says what it does and tells.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const slowCount = 8

func report(name string, what any) {
	line, err := json.Marshal(map[string]any{name: what})
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// events reads events of one line. The channel is closed at the proper end of the stream.
func events(body io.Reader) chan string {
	seen := make(chan string)
	go func() {
		reader := bufio.NewReader(body)
		for {
			line, err := reader.ReadString('\n')
			if err == io.EOF {
				close(seen)
				return
			}
			check(err)
			data, isData := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "data: ")
			if isData && len(data) >= 100 {
				data = fmt.Sprintf("%s %d", data[:3], len(data))
			}
			if isData {
				seen <- data
			}
		}
	}()
	return seen
}

func take(seen chan string, count int) []string {
	var taken []string
	for len(taken) < count {
		data, isOpen := <-seen
		if !isOpen {
			log.Fatal("the stream has ended")
		}
		taken = append(taken, data)
	}
	return taken
}

func main() {
	time.AfterFunc(50*time.Second, func() { log.Fatal("not done in time") })
	origin := os.Args[1]
	authority, err := os.ReadFile(os.Args[2])
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport}

	publish := func(path, body string) {
		answer, err := client.Post(origin+path, "text/plain", strings.NewReader(body))
		check(err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			log.Fatal(path, answer.Status)
		}
	}
	get := func(path string) *http.Response {
		answer, err := client.Get(origin + path)
		check(err)
		return answer
	}

	first := get("/sse?channel=a")
	one := events(first.Body)
	report("open", map[bool]string{true: "h2"}[first.ProtoMajor == 2])
	go func() {
		for number := range 50 {
			publish("/channels/a", fmt.Sprint(number))
		}
		publish("/channels/a", strings.Repeat("x", 1<<20))
	}()
	report("seen", take(one, 51))

	other := get("/sse?channel=b")
	for number := range slowCount {
		publish("/channels/b", fmt.Sprint(number, " ")+strings.Repeat("y", 1<<20-100))
	}
	publish("/channels/a", "beside")
	report("beside", take(one, 1))
	behind := events(other.Body)
	report("slow", take(behind, slowCount))
	page := get("/channels/b/history")
	bytes, err := io.Copy(io.Discard, page.Body)
	check(err)
	report("history", bytes)

	report("ready", true)
	for _, seen := range []chan string{one, behind} {
		for data := range seen {
			log.Fatal("not the end: ", data)
		}
	}
	report("end", true)
}
