<?php
// Follows a stream of Fanfare, and comes back when it ends. Needs PHP 8.1 and no extension. For a worker, not for a page.
//
//     php follow.php http://127.0.0.1:3000/channels/news
//
// A token comes from FANFARE_TOKEN, if the server wants one.

declare(strict_types=1);

/** Three heartbeats of the server. After this silence the connection is taken to be dead. */
const SILENCE_S = 45;

/**
 * Gives each event as ['type' => ..., 'data' => ..., 'id' => ...]. Goes on for ever.
 * Throws when the server refuses the stream.
 */
function follow(string $url, ?string $token = null, string $lastEventId = ''): Generator
{
    $waitMs = 3000;
    while (true) {
        $headers = ['Accept: text/event-stream', 'Connection: close'];
        if ($lastEventId !== '') {
            $headers[] = "Last-Event-ID: $lastEventId";
        }
        if ($token !== null) {
            $headers[] = "Authorization: Bearer $token";
        }
        $context = stream_context_create(['http' => [
            // With 1.1 PHP waits for more than has come.
            'protocol_version' => 1.0,
            'header' => $headers,
            'timeout' => SILENCE_S,
            'ignore_errors' => true, // An answer with an error status has a body too.
        ]]);
        $http_response_header = [];
        $stream = @fopen($url, 'r', false, $context);
        $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
        if ($stream !== false && $status >= 400 && $status < 500 && $status !== 429) {
            throw new RuntimeException("$status: " . stream_get_contents($stream));
        }
        if ($stream !== false && $status === 200) {
            $event = ['type' => 'message', 'data' => [], 'id' => $lastEventId];
            // A line without an end is cut off. A silence that is too long ends the loop as well.
            while (($line = fgets($stream)) !== false && str_ends_with($line, "\n")) {
                $line = substr($line, 0, -1);
                [$field, $value] = explode(':', $line, 2) + [1 => ''];
                $value = str_starts_with($value, ' ') ? substr($value, 1) : $value;
                if ($line === '') {
                    $lastEventId = $event['id'];
                    if ($event['data'] !== []) {
                        yield ['data' => implode("\n", $event['data'])] + $event;
                    }
                    $event = ['type' => 'message', 'data' => [], 'id' => $lastEventId];
                } elseif ($field === 'data') {
                    $event['data'][] = $value;
                } elseif ($field === 'event') {
                    $event['type'] = $value;
                } elseif ($field === 'id') {
                    $event['id'] = $value;
                } elseif ($field === 'retry' && ctype_digit($value)) {
                    $waitMs = (int) $value;
                }
            }
        }
        if ($stream !== false) {
            fclose($stream);
        }
        foreach ($http_response_header as $header) {
            if ($status !== 200 && preg_match('/^Retry-After: *(\d+)$/i', $header, $match)) {
                $waitMs = (int) $match[1] * 1000;
            }
        }
        usleep($waitMs * 1000);
    }
}

if (realpath($argv[0] ?? '') === __FILE__) {
    if ($argc !== 2) {
        fwrite(STDERR, "usage: follow.php URL\n");
        exit(1);
    }
    try {
        foreach (follow($argv[1], getenv('FANFARE_TOKEN') ?: null) as ['type' => $type, 'data' => $data]) {
            // fanfare.cursor only tells a position, and fanfare.gap that events are missing: load your state anew.
            if ($type !== 'fanfare.cursor') {
                echo "$type: $data\n";
            }
        }
    } catch (RuntimeException $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        exit(1);
    }
}
