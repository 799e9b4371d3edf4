# Varnish in front of Fanfare. docs/proxies.md says why each line is here.
# Runs as any user: varnishd -F -j none -n DIRECTORY -a :8080 -f PATH/varnish.vcl

vcl 4.1;

import std;

probe ready {
    .url = "/readyz";
    .interval = 0.5s;
    .timeout = 0.5s;
    .window = 1;
    .threshold = 1;
    .initial = 1;
}

backend fanfare {
    .host = "127.0.0.1";
    .port = "3000";
    .connect_timeout = 1s;
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 60s;
    .probe = ready;
}

sub vcl_recv {
    if (req.method == "GET" && req.url ~ "^/(sse|channels/[^/?]+)?(\?|$)") {
        if (!std.healthy(req.backend_hint)) {
            return (synth(503));
        }
        return (pipe);
    }
    return (pass);
}

sub vcl_synth {
    if (req.http.Accept ~ "text/event-stream") {
        set resp.status = 200;
        set resp.http.Content-Type = "text/event-stream";
        set resp.http.Cache-Control = "no-store";
        set resp.http.Access-Control-Allow-Origin = "*";
        set resp.body = {"retry: 3000
"};
        return (deliver);
    }
}
