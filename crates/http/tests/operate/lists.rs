//! Lists of connections, channels and clients, page by page.

use fanfare_core::engine::Doing;
use fanfare_http::{Connection, ConnectionQuery, ConnectionSort};

use super::{
    channel, client, large, small,
    support::{
        server::{ALL_WAYS, Server, Way},
        tokens::{access, bearer, guarded, token},
    },
    wait,
};

#[test]
fn pages_have_each_connection_once_in_their_order() {
    let server = Server::new(Way::Socket);
    let operator = server.handle().operator();
    let streams: Vec<_> =
        (0..23).map(|number| server.subscribe(&format!("/sse?id=u{number}&channel=c{}", number % 2))).collect();
    let list = |query: ConnectionQuery| -> Vec<Connection> { wait(operator.connections(query)) };
    for sort in [ConnectionSort::Number, ConnectionSort::Lag, ConnectionSort::Bytes] {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = list(ConnectionQuery { sort, after, limit: 5, ..ConnectionQuery::default() });
            let Some(last) = page.last() else { break };
            after = Some(last.place);
            seen.extend(page.iter().map(|connection| connection.connection));
        }
        assert_eq!(seen, (1..=23).collect::<Vec<_>>(), "{sort:?}: nothing waits, so oldest first");
    }
    let odd = list(ConnectionQuery { channel: Some(channel("c1")), ..ConnectionQuery::default() });
    assert_eq!(odd.len(), 11);
    let both =
        ConnectionQuery { channel: Some(channel("c1")), client: Some(client("u2")), ..ConnectionQuery::default() };
    assert!(list(both).is_empty(), "u2 follows the other one");

    let names = |page: Vec<(fanfare_core::Channel, _)>| {
        page.into_iter().map(|(name, _): (_, fanfare_core::ChannelAccount)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(operator.channels(None, 10)), ["c0", "c1"]);
    assert_eq!(names(operator.channels(Some(&channel("c0")), 10)), ["c1"]);
    assert_eq!(names(operator.busiest_channels(1)), ["c0"]);
    let clients: Vec<_> = operator.clients(Some(&client("u7")), 3);
    assert_eq!(clients, [(client("u8"), 1), (client("u9"), 1)]);
    drop(streams);
}

#[test]
fn the_one_that_is_behind_comes_first() {
    let (server, operator) = small(|_| {});
    let _quick: Vec<_> = (0..4).map(|number| server.subscribe(&format!("/sse?id=q{number}"))).collect();
    let _stuck = server.stuck();
    for _ in 0..24 {
        server.publish("/clients/stuck?wait=written", large());
    }
    for sort in [ConnectionSort::Lag, ConnectionSort::Bytes] {
        let first = wait(operator.connections(ConnectionQuery { sort, limit: 1, ..ConnectionQuery::default() }));
        let [first] = &first[..] else { panic!("{first:?}") };
        assert_eq!((first.client.as_str(), first.doing), ("stuck", Doing::CatchingUp), "{sort:?}");
        assert!(first.account.lag() > 0 && first.waiting_bytes > 0, "{first:?}");
    }
}

#[test]
fn a_connection_says_who_and_how() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let operator = server.handle().operator();
        let _stream = server.subscribe("/sse?id=ann&channel=a&channel=orders.*");
        let connection = wait(operator.connection(1)).unwrap();
        assert_eq!((connection.client.as_str(), connection.doing), ("ann", Doing::Live), "{way:?}");
        assert_eq!((connection.channels.len(), connection.patterns.len()), (1, 1));
        assert!(connection.peer.is_some_and(|peer| peer.ip().is_loopback()), "{way:?}: {connection:?}");
        assert_eq!((connection.holder, connection.expires), (None, None));
        assert!(wait(operator.connection(2)).is_none());
    }
    let server = guarded(Way::Socket, access());
    let token = bearer(&token(serde_json::json!({"subscribe": ["a"], "client": "ann"})));
    let _stream = server.subscribe_with("/sse?channel=a", &[("authorization", &token)]);
    let connection = wait(server.handle().operator().connection(1)).unwrap();
    assert!(connection.holder.is_some() && connection.expires.is_some(), "{connection:?}");
}
