//! Connection, client and server commands, as a client sees them.

use ferric_resp::Value;
use proptest::prelude::*;

use crate::clients::Peer;
use crate::context::Control;
use crate::executor::Next;
use crate::table::{self, Flag};
use crate::testing::{Fixture, encode, local_peer};

fn expect(fixture: &mut Fixture, cases: &[(&str, &str)]) {
    for (command, reply) in cases {
        assert_eq!(fixture.run(command), *reply, "{command}");
    }
}

/// The text of a bulk string or verbatim string reply.
fn text(reply: &str) -> &str {
    let (_, body) = reply.split_once("\r\n").expect("a length line");
    body.strip_suffix("\r\n").expect("an end")
}

#[test]
fn hello_in_both_protocols() {
    let mut fixture = Fixture::new();
    let fields = "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n";
    let rest = "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n\
        $7\r\nmodules\r\n*0\r\n";
    let resp3 = format!("%7\r\n{fields}:3\r\n{rest}");
    let resp2 = format!("*14\r\n{fields}:2\r\n{rest}");
    let cases = [
        ("HELLO 3 setname bob", resp3.as_str()),
        ("HELLO", &resp3),
        ("CLIENT GETNAME", "$3\r\nbob\r\n"),
        ("GET nosuch", "_\r\n"),
        ("HELLO 2 AUTH default any", &resp2),
        ("GET nosuch", "$-1\r\n"),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"),
        ("HELLO 3 AUTH a", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
        ("HELLO 3 AUTH a b", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        (
            "HELLO 3 SETNAME \x01",
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("GET nosuch", "$-1\r\n"),
    ];
    expect(&mut fixture, &cases);
}

#[test]
fn client_list_has_the_fields_of_redis() {
    let mut fixture = Fixture::new();
    let unix = Peer { transport: crate::clients::Transport::Unix, ..local_peer(1) };
    let other =
        fixture.server.connect(Peer { address: "/run/s".into(), ..unix }).expect("accepted");
    fixture.run("CLIENT SETNAME bob");
    fixture.run("CLIENT SETINFO lib-name client(x_v1)");
    fixture.run("CLIENT SETINFO LIB-VER 1.2");
    fixture.run("CLIENT NO-TOUCH on");
    fixture.run("SELECT 3");
    let reply = fixture.run("CLIENT LIST");
    let lines: Vec<&str> = text(&reply).lines().collect();
    let names: Vec<&str> =
        lines[0].split(' ').filter_map(|field| Some(field.split_once('=')?.0)).collect();
    assert_eq!(
        names.join(" "),
        "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem \
         multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
    );
    for field in ["id=1", "addr=127.0.0.1:5555", "name=bob", "flags=T", "db=3", "argv-mem=10"] {
        assert!(lines[0].split(' ').any(|f| f == field), "{field} in {}", lines[0]);
    }
    assert!(lines[0].ends_with(
        "cmd=client|list user=default redir=-1 resp=2 \
        lib-name=client(x_v1) lib-ver=1.2"
    ));
    assert!(lines[1].contains("addr=/run/s:0 ") && lines[1].contains(" flags=U "));
    assert!(lines[1].contains(" cmd=NULL "));
    drop(other);
    assert_eq!(text(&fixture.run("CLIENT LIST TYPE normal")).lines().count(), 1);
    let cases = [
        ("CLIENT LIST TYPE pubsub", "$0\r\n\r\n"),
        ("CLIENT LIST ID 2", "$0\r\n\r\n"),
        ("CLIENT LIST ID x", "-ERR Invalid client ID\r\n"),
        ("CLIENT LIST TYPE x", "-ERR Unknown client type 'x'\r\n"),
        ("CLIENT LIST ID", "-ERR syntax error\r\n"),
        ("CLIENT SETINFO x y", "-ERR Unrecognized option 'x'\r\n"),
        (
            "CLIENT SETINFO lib-ver \x07",
            "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n",
        ),
    ];
    expect(&mut fixture, &cases);
}

#[test]
fn killed_clients_execute_nothing_more() {
    let mut fixture = Fixture::new();
    let mut others: Vec<_> =
        (1..4).map(|port| fixture.server.connect(local_peer(port)).expect("accepted")).collect();
    let ids: Vec<u64> = others.iter().map(|session| session.id()).collect();
    let (out, progress) = fixture.feed(b"CLIENT KILL 127.0.0.1:1\r\n");
    assert_eq!(out, b"+OK\r\n");
    assert_eq!(progress.next, Next::Control(Control::Kill(vec![ids[0]])));
    let mut out = Vec::new();
    let progress = fixture.server.execute(&mut others[0], b"SET a 1\r\n", &mut out, false);
    assert_eq!((out.len(), progress.next), (0, Next::Control(Control::Close)));
    let (out, progress) = fixture.feed(b"CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n");
    assert_eq!(out, b":3\r\n");
    assert_eq!(progress.next, Next::Control(Control::Kill(ids[1..].to_vec())));
    assert_eq!(fixture.feed(b"").1.next, Next::Control(Control::Close));
}

#[test]
fn kill_refuses_what_redis_refuses() {
    let cases = [
        ("CLIENT KILL x", "-ERR No such client\r\n"),
        ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n"),
        ("CLIENT KILL ID 9 ADDR", "-ERR syntax error\r\n"),
        ("CLIENT KILL TYPE x", "-ERR Unknown client type 'x'\r\n"),
        ("CLIENT KILL USER x", "-ERR No such user 'x'\r\n"),
        ("CLIENT KILL SKIPME x", "-ERR syntax error\r\n"),
        ("CLIENT KILL USER default", ":0\r\n"),
        ("CLIENT KILL LADDR 127.0.0.1:6379", ":0\r\n"),
    ];
    expect(&mut Fixture::new(), &cases);
}

#[test]
fn config_over_the_wire() {
    let immutable = "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set \
        immutable config\r\n";
    let cases = [
        ("CONFIG GET MaxClients maxcl* maxclients", "*2\r\n$10\r\nMaxClients\r\n$5\r\n10000\r\n"),
        ("CONFIG GET nosuch", "*0\r\n"),
        ("CONFIG SET maxclients 9 databases 3", immutable),
        ("CONFIG SET maxclients 9 protected-mode no", "+OK\r\n"),
        ("CONFIG GET maxclients", "*2\r\n$10\r\nmaxclients\r\n$1\r\n9\r\n"),
        ("CONFIG SET x 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'x'\r\n"),
        ("CONFIG SET maxclients 9 x", "-ERR syntax error\r\n"),
        ("CONFIG REWRITE", "-ERR The server is running without a config file\r\n"),
        ("CONFIG SET requirepass geheim", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
        ("RESET", "+RESET\r\n"),
        ("PING", "-NOAUTH Authentication required.\r\n"),
        ("AUTH geheim", "+OK\r\n"),
    ];
    expect(&mut Fixture::new(), &cases);
}

#[test]
fn a_bulk_limit_that_is_set_holds() {
    let mut fixture = Fixture::new();
    fixture.run("CONFIG SET proto-max-bulk-len 1mb");
    let (out, progress) = fixture.feed(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n");
    assert_eq!(out, b"-ERR Protocol error: invalid bulk length\r\n");
    assert_eq!(progress.next, Next::Control(Control::Close));
}

#[test]
fn databases_are_separate_and_swap() {
    let cases = [
        ("SET a zero", "+OK\r\n"),
        ("SELECT 1", "+OK\r\n"),
        ("GET a", "$-1\r\n"),
        ("SWAPDB 0 1", "+OK\r\n"),
        ("GET a", "$4\r\nzero\r\n"),
        ("DBSIZE", ":1\r\n"),
        ("FLUSHDB ASYNC", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
        ("FLUSHALL NOW", "-ERR syntax error\r\n"),
        ("SELECT 16", "-ERR DB index is out of range\r\n"),
        ("SELECT x", "-ERR value is not an integer or out of range\r\n"),
        (
            "SELECT 2147483648",
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n",
        ),
        ("SWAPDB x 1", "-ERR invalid first DB index\r\n"),
        ("SWAPDB 1 2147483648", "-ERR invalid second DB index\r\n"),
        ("SWAPDB 1 -1", "-ERR DB index is out of range\r\n"),
    ];
    expect(&mut Fixture::new(), &cases);
}

/// Where the keys of a command are, checked for every command that has any: words are filled up to
/// the smallest number its arity allows, and to two more where it allows more. Not for commands whose
/// arguments say where the keys are.
#[test]
fn getkeys_of_every_command() {
    let mut fixture = Fixture::new();
    let mut seen = 0;
    // Where a number says how many keys there are, words that are none are refused.
    let is_range = |spec: &table::KeySpec| matches!(spec.find, table::Find::Range { .. });
    let all_ranges = |e: &&table::Entry| {
        !e.command.keys.is_empty()
            && !e.has(Flag::MovableKeys)
            && e.command.keys.iter().all(is_range)
            && e.command.keys.iter().all(|spec| !spec.flags.contains(&"not_key"))
    };
    for entry in table::entries().iter().filter(all_ranges) {
        let least = entry.command.arity.unsigned_abs() as usize;
        let more = if entry.command.arity < 0 { least + 2 } else { least };
        for count in [least, more] {
            let name: Vec<&str> = entry.full_name.split('|').collect();
            let words = (name.len()..count).map(|n| format!("w{n}"));
            let words: Vec<String> = name.iter().map(|w| (*w).to_owned()).chain(words).collect();
            let legacy = table::legacy_range(entry.command.keys);
            let last = match legacy.last {
                last if last < 0 => count - last.unsigned_abs() as usize,
                last => last.unsigned_abs() as usize,
            };
            let step = legacy.step.unsigned_abs() as usize;
            let first = legacy.first.unsigned_abs() as usize;
            let keys: Vec<&String> = (first..=last).step_by(step).map(|n| &words[n]).collect();
            let bulks: String =
                keys.iter().map(|key| format!("${}\r\n{key}\r\n", key.len())).collect();
            // Redis refuses a range of keys that has none, as PFMERGE's sources may have.
            let begins_behind = |spec: &table::KeySpec| matches!(spec.begin, table::Begin::Index(at) if at as usize >= count);
            let expected = if entry.command.keys.iter().any(begins_behind) {
                "-ERR Invalid arguments specified for command\r\n".to_owned()
            } else {
                format!("*{}\r\n{bulks}", keys.len())
            };
            // COMMAND GETKEYS itself wants a command with at least one argument.
            assert_eq!(fixture.run(&format!("COMMAND GETKEYS {}", words.join(" "))), expected);
            seen += 1;
        }
        let of_data = entry.has(Flag::Write) || entry.has(Flag::Readonly);
        assert!(of_data || entry.command.name == "watch", "{}", entry.full_name);
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn getkeys_refuses_what_redis_refuses() {
    let none = "-ERR The command has no key arguments\r\n";
    let cases = [
        ("COMMAND GETKEYS nosuch a", "-ERR Invalid command specified\r\n"),
        ("COMMAND GETKEYS object nosuch", "-ERR Invalid command specified\r\n"),
        ("COMMAND GETKEYS ping a", none),
        ("COMMAND GETKEYS object help", none),
        ("COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command\r\n"),
        ("COMMAND GETKEYSANDFLAGS set a b", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"),
        (
            "COMMAND GETKEYSANDFLAGS set a b xx GET",
            "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n",
        ),
        (
            "COMMAND GETKEYSANDFLAGS copy a b",
            "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n",
        ),
    ];
    expect(&mut Fixture::new(), &cases);
}

#[test]
fn command_lists_and_counts() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.run("COMMAND COUNT"), format!(":{}\r\n", table::all().count()));
    let listed = fixture.run("COMMAND LIST");
    assert!(listed.starts_with(&format!("*{}\r\n", table::entries().len())));
    let cases = [
        ("COMMAND LIST FILTERBY PATTERN GE[t]", "*1\r\n$3\r\nget\r\n"),
        ("COMMAND LIST FILTERBY MODULE x", "*0\r\n"),
        ("COMMAND LIST FILTERBY ACLCAT nosuch", "*0\r\n"),
        ("COMMAND LIST FILTERBY x y", "-ERR syntax error\r\n"),
        ("COMMAND INFO nosuch get|x", "*2\r\n$-1\r\n$-1\r\n"),
        ("COMMAND DOCS nosuch", "*0\r\n"),
    ];
    expect(&mut fixture, &cases);
    let config = fixture.run("COMMAND LIST FILTERBY PATTERN config*");
    assert!(config.starts_with("*6\r\n") && config.contains("config|resetstat"));
}

#[test]
fn every_command_is_documented() {
    for entry in table::entries() {
        let command = entry.command;
        let fields = [command.group, command.since, command.summary, command.complexity];
        assert!(fields.iter().all(|field| !field.is_empty()), "{}", entry.full_name);
        assert!(command.arity != 0 && !command.categories.is_empty(), "{}", entry.full_name);
        let runs = command.handler.is_some() || !command.subcommands.is_empty();
        assert!(runs, "{}", entry.full_name);
    }
}

#[test]
fn info_sections() {
    let mut fixture = Fixture::new();
    fixture.run("SET a 1");
    fixture.run("SET b 1 EX 100");
    let titles = |reply: &str| -> Vec<String> {
        text(reply).lines().filter_map(|l| l.strip_prefix("# ").map(str::to_owned)).collect()
    };
    let shown = titles(&fixture.run("INFO"));
    assert!(shown.contains(&"Keyspace".to_owned()) && !shown.contains(&"Commandstats".to_owned()));
    assert_eq!(titles(&fixture.run("INFO default")), shown);
    assert_eq!(titles(&fixture.run("INFO everything")).len(), 14);
    assert_eq!(titles(&fixture.run("INFO all")).len(), 13);
    assert_eq!(titles(&fixture.run("INFO KEYSPACE nosuch cluster")), ["Cluster", "Keyspace"]);
    let keyspace = fixture.run("INFO keyspace");
    assert_eq!(text(&keyspace), "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n");
    assert_eq!(fixture.run("INFO nosuch"), "$0\r\n\r\n");
}

#[test]
fn shutdown_options() {
    let mut fixture = Fixture::new();
    let cases = [
        ("SHUTDOWN x", "-ERR syntax error\r\n"),
        ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error\r\n"),
        ("SHUTDOWN ABORT NOW", "-ERR syntax error\r\n"),
        ("SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n"),
    ];
    expect(&mut fixture, &cases);
    for (command, save) in [("SHUTDOWN NOSAVE FORCE\r\n", false), ("SHUTDOWN NOW\r\n", true)] {
        let (out, progress) = fixture.feed(command.as_bytes());
        assert_eq!((out.len(), progress.next), (0, Next::Control(Control::Shutdown { save })));
    }
}

#[test]
fn memory_and_save() {
    let mut fixture = Fixture::new();
    fixture.run(&format!("SET key {}", "v".repeat(1000)));
    let usage = fixture.run("MEMORY USAGE key SAMPLES 0");
    let bytes: usize = usage.trim().trim_start_matches(':').parse().expect("a number");
    assert!((1003..1100).contains(&bytes), "{bytes}");
    let cases = [
        ("MEMORY USAGE nosuch", "$-1\r\n"),
        ("MEMORY USAGE key SAMPLES", "-ERR syntax error\r\n"),
        ("MEMORY USAGE key SAMPLES -1", "-ERR syntax error\r\n"),
        ("MEMORY USAGE key SAMPLES x", "-ERR value is not an integer or out of range\r\n"),
        ("SAVE", "+OK\r\n"),
        ("BGSAVE", "+Background saving started\r\n"),
        ("BGSAVE schedule", "+Background saving started\r\n"),
        ("BGSAVE x", "-ERR syntax error\r\n"),
        ("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
    ];
    expect(&mut fixture, &cases);
    let last: u64 = fixture.run("LASTSAVE").trim()[1..].parse().expect("a number");
    assert!(last > 1_700_000_000);
}

#[test]
fn debug_object() {
    let mut fixture = Fixture::new();
    fixture.run("SET key 12");
    let line = fixture.run("DEBUG OBJECT key");
    assert!(line.starts_with("+Value at:0x"), "{line}");
    let about = " refcount:2147483647 encoding:int serializedlength:2 lru:";
    assert!(line.contains(about) && line.ends_with(" lru_seconds_idle:0\r\n"), "{line}");
}

#[test]
fn docs_have_arguments_in_redis_structure() {
    let mut fixture = Fixture::new();
    fixture.run("HELLO 3");
    let docs = fixture.run("COMMAND DOCS move");
    let arguments = "$9\r\narguments\r\n*2\r\n\
        %3\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n$14\r\nkey_spec_index\r\n:0\r\n\
        %2\r\n$4\r\nname\r\n$2\r\ndb\r\n$4\r\ntype\r\n$7\r\ninteger\r\n";
    assert!(docs.starts_with("%1\r\n$4\r\nmove\r\n%5\r\n") && docs.ends_with(arguments), "{docs}");
    let docs = fixture.run("COMMAND DOCS getset");
    assert!(docs.contains("$9\r\ndoc_flags\r\n~1\r\n+deprecated\r\n"), "{docs}");
}

#[test]
fn debug_only_from_this_machine() {
    let mut fixture = Fixture::new();
    fixture.run("CONFIG SET protected-mode no");
    let foreign = Peer { loopback: false, ..local_peer(1) };
    fixture.session = fixture.server.connect(foreign).expect("accepted");
    assert!(fixture.run("DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed."));
    fixture.session = fixture.server.connect(local_peer(2)).expect("accepted");
    let cases = [
        (
            "DEBUG nosuch",
            "-ERR unknown subcommand or wrong number of arguments for 'nosuch'. Try DEBUG HELP.\r\n",
        ),
        ("DEBUG ERROR OOPS", "-OOPS\r\n"),
        ("DEBUG PROTOCOL map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n"),
        ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n"),
        ("DEBUG OBJECT nosuch", "-ERR no such key\r\n"),
    ];
    expect(&mut fixture, &cases);
}

/// Words that mean something to some command, and words that mean nothing.
fn word() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "a",
        "b",
        "{a}c",
        "*",
        "0",
        "1",
        "-1",
        "10",
        "9223372036854775807",
        "1.5",
        "inf",
        "EX",
        "PX",
        "NX",
        "XX",
        "GET",
        "KEEPTTL",
        "ID",
        "TYPE",
        "ADDR",
        "SKIPME",
        "yes",
        "no",
        "ON",
        "string",
        "MATCH",
        "COUNT",
        "ASYNC",
        "help",
        "info",
        "list",
        "encoding",
        "usage",
        "FULL",
        "config",
        "maxmemory",
        "client|list",
        "normal",
        "lib-name",
        "FILTERBY",
        "aclcat",
        "all",
    ];
    prop_oneof![
        4 => prop::sample::select(KNOWN).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn command() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let names: Vec<&str> = table::entries().iter().map(|e| e.full_name.as_str()).collect();
    let name = prop::sample::select(names);
    (name, prop::collection::vec(word(), 0..6)).prop_map(|(name, rest)| {
        name.split('|').map(|part| part.as_bytes().to_vec()).chain(rest).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a client sends, each command gets one well-formed reply, and none finds a defect. Pushes come
    /// beside it; subscribing has one for each name.
    #[test]
    fn every_command_replies_once(commands in prop::collection::vec(command(), 1..40)) {
        let mut fixture = Fixture::asynchronous();
        fixture.run("HELLO 3");
        for words in commands {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let (out, progress) = fixture.feed(&encode(&words));
            prop_assert!(!out.starts_with(b"-ERR internal error"), "{words:?}");
            let (mut rest, mut replies) = (&out[..], 0);
            while !rest.is_empty() {
                match Value::parse(rest) {
                    Ok(Some((value, len))) => {
                        replies += usize::from(!matches!(value, Value::Push(_)));
                        rest = &rest[len..];
                    }
                    incomplete => prop_assert!(false, "{words:?}: {incomplete:?} in {out:?}"),
                }
            }
            // None: CLIENT REPLY, SHUTDOWN and DEBUG SLEEP.
            let many = words[0].to_ascii_lowercase().ends_with(b"subscribe");
            prop_assert!(many || replies <= 1, "{:?} {:?}", words, out);
            if progress.next != Next::Read {
                fixture.session = fixture.server.connect(local_peer(1)).expect("accepted");
            }
        }
    }
}
