<?php
// Publishes one event to Fanfare, once, also when it has to ask again. Needs PHP 8.1 and no extension.
//
//     php publish.php http://127.0.0.1:3000/channels/news "hello" tick
//
// The key comes from FANFARE_PUBLISH_KEY, if the server has one.

declare(strict_types=1);

const ATTEMPTS = 5;
const TIMEOUT_S = 10;
/** These say that the server, or a proxy in front of it, is away for a moment. */
const ASK_AGAIN = [502, 503, 504];

/**
 * Returns the server's answer: ['id' => ..., 'matched' => ...].
 * Throws when the server refuses the event, or when it cannot be reached.
 */
function publish(string $url, string $data, ?string $event = null, ?string $key = null): array
{
    if ($event !== null) {
        $url .= (str_contains($url, '?') ? '&' : '?') . http_build_query(['event' => $event]);
    }
    $headers = [
        'Content-Type: text/plain; charset=utf-8',
        // The same in each attempt, so that the event is published once.
        'Idempotency-Key: ' . bin2hex(random_bytes(16)),
        'Connection: close',
    ];
    if ($key !== null) {
        $headers[] = "Authorization: Bearer $key";
    }
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => $headers,
        'content' => $data,
        'timeout' => TIMEOUT_S,
        'ignore_errors' => true, // An answer with an error status has a body too.
    ]]);

    $reason = '';
    for ($attempt = 0; $attempt < ATTEMPTS; $attempt++) {
        $seconds = 2 ** $attempt * mt_rand(50, 150) / 400;
        $http_response_header = [];
        $answer = @file_get_contents($url, false, $context);
        $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
        if ($answer !== false && $status >= 200 && $status < 300) {
            return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
        }
        // Without a status nobody knows whether the event was published. With the same key it may be sent again.
        $reason = $status === 0 ? (error_get_last()['message'] ?? 'no answer') : "$status: $answer";
        if ($status !== 0 && !in_array($status, ASK_AGAIN, true)) {
            break;
        }
        foreach ($http_response_header as $header) {
            if (preg_match('/^Retry-After: *(\d+)$/i', $header, $match)) {
                $seconds = (int) $match[1];
            }
        }
        if ($attempt + 1 < ATTEMPTS) {
            usleep((int) ($seconds * 1_000_000));
        }
    }
    throw new RuntimeException($reason);
}

if (realpath($argv[0] ?? '') === __FILE__) {
    if ($argc < 3 || $argc > 4) {
        fwrite(STDERR, "usage: publish.php URL DATA [TYPE]\n");
        exit(1);
    }
    try {
        echo json_encode(publish($argv[1], $argv[2], $argv[3] ?? null, getenv('FANFARE_PUBLISH_KEY') ?: null)), "\n";
    } catch (RuntimeException $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        exit(1);
    }
}
