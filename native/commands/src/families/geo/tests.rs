//! Replies as redis-server 7.0.15 gives them, line ends as spaces.

use crate::testing::Fixture;

fn expect(fixture: &mut Fixture, cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        let reply = fixture.run(command).replace("\r\n", " ");
        assert_eq!(reply.trim_end(), *expected, "{command}");
    }
}

/// In the order in which they were recorded: each depends on those before it.
const REPLIES: &[(&str, &str)] = &[
    ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"),
    ("GEOADD g NX CH 13.5 38 Palermo 12.758489 38.788135 Ustica", ":1"),
    ("GEOADD g 200 10 x", "-ERR invalid longitude,latitude pair 200.000000,10.000000"),
    ("GEOADD g 1 2", "-ERR wrong number of arguments for 'geoadd' command"),
    ("GEOADD g x 2 y", "-ERR value is not a valid float"),
    ("GEOADD g NX XX 1 2 y", "-ERR syntax error"),
    ("ZSCORE g Palermo", "$16 3479099956230698"),
    ("GEOPOS g Palermo nobody", "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1"),
    ("GEOHASH g Palermo nobody Catania", "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0"),
    ("GEODIST g Palermo Catania", "$11 166274.1516"),
    ("GEODIST g Palermo Catania km", "$8 166.2742"),
    ("GEODIST g Palermo nobody", "$-1"),
    (
        "GEODIST g Palermo Catania parsec",
        "-ERR unsupported unit provided. please use M, KM, FT, MI",
    ),
    (
        "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST WITHHASH",
        "*2 *3 $7 Catania $7 56.4413 :3479447370796909 *3 $7 Palermo $8 190.4424 :3479099956230698",
    ),
    (
        "GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHCOORD",
        "*3 *2 $6 Ustica *2 $19 12.7584877610206604 $20 38.78813451624225195 *2 $7 Palermo *2 $20 13.36138933897018433 $20 38.11555639549629859 *2 $7 Catania *2 $20 15.08726745843887329 $20 37.50266842333162032",
    ),
    ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m", "*1 $7 Palermo"),
    ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi COUNT 2", "*2 $7 Catania $7 Palermo"),
    ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 mi COUNT 1 ANY", "*1 $7 Palermo"),
    ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 10000 km", "*3 $7 Palermo $6 Ustica $7 Catania"),
    (
        "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ANY",
        "-ERR the ANY argument requires COUNT argument",
    ),
    (
        "GEOSEARCH g FROMMEMBER nobody BYRADIUS 200 km",
        "-ERR could not decode requested zset member",
    ),
    ("GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 200 km", "-ERR syntax error"),
    ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km COUNT 0", "-ERR COUNT must be > 0"),
    (
        "GEOSEARCH g FROMMEMBER Palermo ASC DESC WITHDIST",
        "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH",
    ),
    ("GEOSEARCH nokey FROMLONLAT 15 37 BYRADIUS 200 km", "*0"),
    ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", ":2"),
    (
        "ZRANGE d 0 -1 WITHSCORES",
        "*4 $7 Palermo $16 3479099956230698 $7 Catania $16 3479447370796909",
    ),
    ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", ":2"),
    (
        "ZRANGE d 0 -1 WITHSCORES",
        "*4 $7 Catania $18 56.441257870158204 $7 Palermo $18 190.44242984775784",
    ),
    (
        "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
        "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
    ),
    ("GEOSEARCHSTORE d nokey FROMLONLAT 15 37 BYRADIUS 200 km", ":0"),
    ("EXISTS d", ":0"),
    (
        "GEORADIUS g 15 37 200 km WITHDIST ASC",
        "*2 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424",
    ),
    ("GEORADIUS g 15 37 -1 km", "-ERR radius cannot be negative"),
    ("GEORADIUS g 15 37 x km", "-ERR need numeric radius"),
    ("GEORADIUS g 15 37 200 km STOREDIST d", ":2"),
    ("ZCARD d", ":2"),
    ("GEORADIUS_RO g 15 37 200 km STORE d", "-ERR syntax error"),
    ("GEORADIUSBYMEMBER g Palermo 200 km COUNT 2 DESC", "*2 $7 Catania $6 Ustica"),
    ("GEORADIUSBYMEMBER_RO g nobody 200 km", "-ERR could not decode requested zset member"),
    ("GEORADIUSBYMEMBER nokey nobody x y", "*0"),
    ("ZADD n -5 negative 1e300 large 0.5 fraction", ":3"),
    (
        "GEOPOS n negative large fraction",
        "*3 *2 $3 180 $19 85.0511287799999991 *2 $22 -179.99999731779098511 $21 -85.05112751263942528 *2 $22 -179.99999731779098511 $21 -85.05112751263942528",
    ),
];

#[test]
fn replies() {
    expect(&mut Fixture::asynchronous(), REPLIES);
}

#[test]
fn places_in_resp3() {
    let mut fixture = Fixture::asynchronous();
    fixture.run("HELLO 3");
    let cases = [
        ("GEOADD g 13.361389 38.115556 Palermo", ":1"),
        ("GEOPOS g Palermo nobody", "*2 *2 ,13.36138933897018433 ,38.11555639549629859 _"),
        ("GEODIST g Palermo Palermo", "$6 0.0000"),
    ];
    expect(&mut fixture, &cases);
}
