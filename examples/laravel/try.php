<?php
// Broadcasts one event as Laravel does, with Laravel's own classes: those of Debian's packages php-illuminate-broadcasting and
// php-illuminate-http. In an application, `event(new OrderShipped(7))` does the same.
//
//     php try.php http://127.0.0.1:3000

declare(strict_types=1);

require 'Illuminate/Broadcasting/autoload.php';
require 'Illuminate/Http/autoload.php';
require 'GuzzleHttp/autoload.php';
require __DIR__ . '/FanfareBroadcaster.php';

use App\Broadcasting\FanfareBroadcaster;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Broadcasting\Channel;
use Illuminate\Container\Container;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Http\Client\Factory;

class OrderShipped implements ShouldBroadcast
{
    public function __construct(public int $order)
    {
    }

    public function broadcastOn()
    {
        return [new Channel('orders'), new Channel("orders.{$this->order}")];
    }

    public function broadcastAs()
    {
        return 'shipped';
    }
}

if ($argc !== 2) {
    fwrite(STDERR, "usage: try.php URL\n");
    exit(1);
}
$app = new Container();
$app['config'] = [
    'broadcasting.default' => 'fanfare',
    'broadcasting.connections.fanfare' => [
        'driver' => 'fanfare',
        'url' => $argv[1],
        'key' => getenv('FANFARE_PUBLISH_KEY') ?: null,
    ],
];
$manager = new BroadcastManager($app);
$manager->extend('fanfare', fn ($app, $config) => new FanfareBroadcaster($app->make(Factory::class), $config));
try {
    (new BroadcastEvent(new OrderShipped(7)))->handle($manager);
} catch (Throwable $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
echo "broadcast\n";
