using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>
/// One place of the daemon receives from clients and jobs, and detects descriptors: a receiving call elsewhere would drop them on the
/// thread of the loop.
/// </summary>
public sealed partial class ReceivingTests
{
    [Fact]
    public void Only_one_folder_receives_from_clients_and_jobs()
    {
        SourceFile[] receiving = [
            .. Repository.SourceFiles.Where(file => file.IsIn("src/PipeForkAs.Daemon") && Receive().IsMatch(file.Code))];
        Assert.Contains(receiving, file => file.IsIn("src/PipeForkAs.Daemon/Untrusted"));
        Assert.Equal(
            [
                "src/PipeForkAs.Daemon/Forking/HostChannel.cs", // The other end is a job host, which sends only what the daemon requests.
                "src/PipeForkAs.Daemon/Upgrading/HandoverChannel.cs", // The other end is another version of the daemon.
            ],
            receiving.Where(file => !file.IsIn("src/PipeForkAs.Daemon/Untrusted")).Select(file => file.ToString()));
    }

    [Fact]
    public void The_relays_splice_only_from_pipes_of_the_daemon()
    {
        SourceFile[] splicing = [
            .. Repository.SourceFiles.Where(file => file.IsIn("src/PipeForkAs.Daemon") && Splice().IsMatch(file.Code))];
        Assert.All(
            splicing.Where(file => !file.IsIn("src/PipeForkAs.Daemon/Untrusted")).SelectMany(file => Splice().Matches(file.Code)),
            call => Assert.EndsWith(".Read,", call.Value));
    }

    [GeneratedRegex(@"\bLibc\s*\.\s*(recv|recv_nowait|recvmsg|recv_without_descriptors|splice_without_descriptors)\s*\(")]
    private static partial Regex Receive();

    [GeneratedRegex(@"\bLibc\s*\.\s*splice\s*\([^,]*,")]
    private static partial Regex Splice();
}
