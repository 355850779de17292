using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>
/// What a client or a job sends is received in one place of the daemon, which sees the descriptors that are sent along: a receiving call
/// elsewhere would drop them on the loop's thread.
/// </summary>
public sealed partial class ReceivingTests
{
    [Fact]
    public void The_daemon_receives_from_clients_and_jobs_in_one_folder_alone()
    {
        SourceFile[] receiving = [
            .. Repository.SourceFiles.Where(file => file.IsIn("src/PipeForkAs.Daemon") && Receive().IsMatch(file.Code))];
        Assert.Contains(receiving, file => file.IsIn("src/PipeForkAs.Daemon/Untrusted"));
        Assert.Equal(
            [
                "src/PipeForkAs.Daemon/Forking/HostChannel.cs", // The other end is a job host, which sends what it is asked for.
                "src/PipeForkAs.Daemon/Upgrading/HandoverChannel.cs", // The other end is the daemon too, another version of it.
            ],
            receiving.Where(file => !file.IsIn("src/PipeForkAs.Daemon/Untrusted")).Select(file => file.ToString()));
    }

    [Fact]
    public void What_the_relays_splice_comes_from_a_pipe_of_the_daemons_own()
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
