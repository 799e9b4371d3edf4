<?php
// Laravel's events with `ShouldBroadcast` go to Fanfare. Needs Laravel 8 or newer.
//
// 1. Put this file into app/Broadcasting.
// 2. In AppServiceProvider::boot:
//        Broadcast::extend('fanfare', fn ($app, $config) => new FanfareBroadcaster($app->make(Factory::class), $config));
// 3. In config/broadcasting.php, under 'connections':
//        'fanfare' => ['driver' => 'fanfare', 'url' => env('FANFARE_URL'), 'key' => env('FANFARE_PUBLISH_KEY')],
// 4. In .env: BROADCAST_DRIVER=fanfare (BROADCAST_CONNECTION since Laravel 11), FANFARE_URL=http://127.0.0.1:3000

declare(strict_types=1);

namespace App\Broadcasting;

use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Broadcasting\Broadcasters\Broadcaster;
use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Factory;
use Illuminate\Http\Client\HttpClientException;
use Illuminate\Http\Client\RequestException;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

class FanfareBroadcaster extends Broadcaster
{
    private const ATTEMPTS = 5;
    private const TIMEOUT_S = 10;
    /** These say that the server, or a proxy in front of it, is away for a moment. */
    private const ASK_AGAIN = [502, 503, 504];

    /** @param array{url: string, key?: string|null} $config */
    public function __construct(private Factory $http, private array $config)
    {
    }

    /** Publishes the event on all channels at once. The name of the event is its type. */
    public function broadcast(array $channels, $event, array $payload = [])
    {
        unset($payload['socket']); // Fanfare has no way to leave out the one who sent it.
        $targets = array_map(fn ($channel) => 'channel=' . rawurlencode((string) $channel), $channels);
        $query = implode('&', [...$targets, 'event=' . rawurlencode($event)]);
        // The same in each attempt, so that the event is published once.
        $headers = ['Idempotency-Key' => bin2hex(random_bytes(16))];
        if (($this->config['key'] ?? null) !== null) {
            $headers['Authorization'] = 'Bearer ' . $this->config['key'];
        }
        $mayAskAgain = fn ($error) => $error instanceof ConnectionException
            || ($error instanceof RequestException && in_array($error->response->status(), self::ASK_AGAIN, true));
        try {
            $this->http->withHeaders($headers)->timeout(self::TIMEOUT_S)->retry(self::ATTEMPTS, 500, $mayAskAgain)
                ->withBody(json_encode($payload, JSON_THROW_ON_ERROR), 'application/json')
                ->post(rtrim($this->config['url'], '/') . "/publish?$query");
        } catch (HttpClientException $error) {
            throw new BroadcastException($error->getMessage(), 0, $error);
        }
    }

    /** Laravel Echo is not in use: a page reads from Fanfare, with a token that says what it may read. */
    public function auth($request)
    {
        throw new AccessDeniedHttpException('Fanfare asks for a token: see docs/guide/tokens.md');
    }

    public function validAuthenticationResponse($request, $result)
    {
        return $this->auth($request);
    }
}
