using PipeForkAs.Daemon.Reloading;

namespace PipeForkAs.Daemon.Tests.Reloading;

/// <summary>The kernel's table of Unix sockets, in which each name is as its process chose it.</summary>
public sealed class SocketTableTests
{
    private const string Heading = "Num       RefCount Protocol Flags    Type St Inode Path";
    private const string Served = "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/pipeforkas/a b.sock";

    private static readonly string[] Others =
    [
        "0000000000000000: 00000002 00000000 00010000 0001 01 4710 /run/other.sock",
        "0000000000000000: 00000003 00000000 00000000 0001 03 4712 /run/pipeforkas/a b.sock", "0000000000000000: 00000003 00000000",
        "0000000000000000: 00000003 00000000 00000000 0001 03 4713", "0000000000000000: 00000002 00000000 zz 0001 01 4711 /x", "",
    ];

    [Fact]
    public void The_listening_socket_of_a_process_is_found_by_its_inode() =>
        Assert.Equal("/run/pipeforkas/a b.sock", Find(Served));

    [Fact]
    public void A_name_that_is_not_ASCII_is_read_as_UTF_8() =>
        Assert.Equal("/run/ä", Find("0: 2 0 00010000 1 1 4711 /run/\u00c3\u00a4"));

    [Theory]
    [InlineData("0: 2 0 00010000 1 1 4711 /tmp/x")]
    [InlineData("0: 2 0 00010000 1 1 4712 /tmp/x")]
    [InlineData(Served)]
    public void A_row_that_another_process_forged_leaves_the_path_unknown(string forged)
    {
        Assert.Null(Find(Served, forged));
        Assert.Null(Find(forged, Served));
    }

    [Fact]
    public void A_process_that_listens_nowhere_has_no_path() => Assert.Null(Find());

    private static string? Find(params string[] rows) => SocketTable.ListeningPath([Heading, .. Others, .. rows], ["4711", "4712", "4713"]);
}
