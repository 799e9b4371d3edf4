//! The memory of tables: who is forgotten, who stays, and what a full table does.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::{NonZeroU32, NonZeroU64},
};

use fanfare_callers::{Act, Callers, ENTRIES_MAX, Holder, Holding, Limits, Rate, Table};

/// One request a second and two at once, and one socket.
fn limits() -> Limits {
    Limits { requests: Some(Rate::per_second(NonZeroU64::MIN)), sockets: Some(NonZeroU32::MIN), ..Limits::NONE }
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from(number).into()
}

#[test]
fn a_million_addresses_leave_no_more_than_the_limit() {
    let callers = Callers::new(&limits(), &limits(), 10_000);
    for number in 0..1_000_000 {
        let account = callers.peer(address(number), 0);
        account.take(Act::Request, 2, 0).unwrap();
        if number % 50_000 == 0 {
            assert!(callers.kept() <= 10_000, "{} are kept", callers.kept());
        }
    }
    assert!((9_900..=10_000).contains(&callers.kept()), "{} are kept", callers.kept());
    // Nobody comes for two seconds, and a tick looks at a tenth of all.
    (0..12).for_each(|_| callers.sweep(2_000));
    assert_eq!(callers.kept(), 0);
}

#[test]
fn a_million_addresses_in_one_64_are_one_caller() {
    let callers = Callers::new(&limits(), &Limits::NONE, ENTRIES_MAX);
    for number in 0..1_000_000_u128 {
        let _account = callers.peer(Ipv6Addr::from((0x2001_0db8_u128 << 96) + number).into(), 0);
    }
    assert_eq!(callers.kept(), 1);
}

#[test]
fn whoever_holds_something_or_has_not_got_its_rates_back_is_not_forgotten() {
    let table = Table::new(&limits(), 64);
    let seat = table.account("holds", 0).enter(Holding::Socket).unwrap();
    table.account("has asked", 0).take(Act::Request, 1, 0).unwrap();
    let account = table.account("is here", 0);
    table.sweep(999);
    assert_eq!(table.len(), 3);
    table.sweep(1_000);
    assert_eq!(table.len(), 2, "a second has given the request back");
    drop(seat);
    table.sweep(1_000);
    assert_eq!(table.len(), 1);
    drop(account);
    table.sweep(1_000);
    assert!(table.is_empty());
}

#[test]
fn newcomers_alone_keep_a_table_small_that_nobody_sweeps() {
    let table = Table::new(&limits(), 64);
    for key in 0..60 {
        table.account(key, 0).take(Act::Request, 1, 0).unwrap();
    }
    for key in 60..120 {
        drop(table.account(key, 1_000));
    }
    assert!(table.len() < 10, "{} are kept", table.len());
}

#[test]
fn a_full_table_lets_the_one_go_that_has_been_idle_for_longest() {
    let table = Table::new(&limits(), 3);
    // All rates are used up, so nothing is forgotten.
    let use_up = |key| table.account(key, 0).take(Act::Request, 2, 0).is_ok();
    assert!(use_up(1) && use_up(2) && use_up(3));
    let held = table.account(1, 0);
    assert!(!use_up(2), "2 is the newest now");
    assert!(use_up(4), "3 had to go");
    assert_eq!(table.len(), 3);
    assert!(!use_up(1) && !use_up(2) && !use_up(4));
    drop(held);
    assert!(use_up(3), "3 has come back as new, and 2 went");
    assert!(use_up(2) && table.len() == 3);
}

#[test]
fn newcomers_to_a_table_full_of_holders_share_the_limits_of_one() {
    let table = Table::new(&limits(), 2);
    let [_first, second] = [1, 2].map(|key| table.account(key, 0).enter(Holding::Socket).unwrap());
    let (newcomer, other) = (table.account(3, 0), table.account(4, 0));
    assert_eq!((table.refusals().crowded(), table.len()), (2, 2));
    newcomer.take(Act::Request, 1, 0).unwrap();
    other.take(Act::Request, 1, 0).unwrap();
    assert!(newcomer.take(Act::Request, 1, 0).is_err() && other.take(Act::Request, 1, 0).is_err());
    let crowded = newcomer.enter(Holding::Socket).unwrap();
    assert!(other.enter(Holding::Socket).is_err());
    assert_eq!(table.account(1, 0).held(Holding::Socket), 1, "those who were in keep what they have");

    // Once somebody is idle, a newcomer gets a place of its own. Its seat in the crowd stays there.
    drop(second);
    let own = table.account(3, 0);
    assert_eq!((own.held(Holding::Socket), newcomer.held(Holding::Socket)), (0, 1));
    let seat = own.enter(Holding::Socket).unwrap();
    drop(crowded);
    assert_eq!((own.held(Holding::Socket), newcomer.held(Holding::Socket)), (1, 0));
    drop(seat);
    assert_eq!(own.held(Holding::Socket), 0);
    assert!(other.enter(Holding::Socket).is_ok());
}

#[test]
fn a_seat_is_given_back_where_it_was_taken_when_its_slot_has_been_used_by_others() {
    let table = Table::new(&limits(), 1);
    for key in 0..100 {
        let seat = table.account(key, 0).enter(Holding::Socket).unwrap();
        assert_eq!(table.account(key, 0).held(Holding::Socket), 1);
        drop(seat);
        assert_eq!(table.account(key, 0).held(Holding::Socket), 0);
    }
    assert_eq!((table.len(), table.refusals().crowded()), (1, 0));
}

#[test]
fn processes_of_the_machine_are_exempt_unless_the_operator_says_otherwise() {
    let loopback: [IpAddr; 3] = ["127.0.0.1", "::1", "::ffff:127.9.9.9"].map(|address| address.parse().unwrap());
    let (exempt, limited) = (Callers::new(&limits(), &Limits::NONE, 64), Callers::new(&limits(), &limits(), 64));
    for peer in loopback {
        assert!((0..9).all(|_| exempt.peer(peer, 0).take(Act::Request, 1, 0).is_ok()));
        assert!(limited.peer(peer, 0).take(Act::Request, 2, 0).is_ok());
        assert!(limited.peer(peer, 0).take(Act::Request, 1, 0).is_err());
        // A proxy has named it, and may have copied what a client has written.
        assert!(exempt.client(peer, 0).take(Act::Request, 2, 0).is_ok());
        assert!(exempt.client(peer, 0).take(Act::Request, 1, 0).is_err());
    }
    assert!((0..9).all(|_| limited.proxy().take(Act::Request, 1, 0).is_ok()));
}

#[test]
fn holders_have_limits_of_their_own() {
    let holders = Table::new(&Limits::of_holder(), ENTRIES_MAX);
    let client = holders.account(Holder::new("client", "42"), 0);
    let streams: Vec<_> = (0..256).map(|_| client.enter(Holding::Stream).unwrap()).collect();
    assert!(client.enter(Holding::Stream).is_err());
    let key = holders.account(Holder::new("key", "42"), 0);
    assert!(key.enter(Holding::Stream).is_ok());
    assert!(key.take(Act::Publish, 20_000, 0).is_ok() && key.take(Act::Publish, 1, 0).is_err());
    drop(streams);
}

#[test]
fn the_defaults_let_all_that_a_caller_may_hold_come_back_at_once() {
    let limits = Limits::of_caller();
    assert_eq!(limits.handshakes.unwrap().burst.get(), u64::from(limits.sockets.unwrap().get()));
    assert_eq!(limits.requests.unwrap().burst.get(), u64::from(limits.streams.unwrap().get()));
}
