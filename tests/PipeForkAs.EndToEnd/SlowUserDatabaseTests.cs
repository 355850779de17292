using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests a name service that needs a minute for some users, in a mount namespace with its own nsswitch.conf.</summary>
public sealed class SlowUserDatabaseTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task A_hanging_user_database_fails_only_the_requests_that_need_it_with_a_clear_error()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Limits"]!["LookupTimeout"] = "00:00:02";
        string service = Path.Combine(folder, "libnss_pfaslow.so.2"), choice = Path.Combine(folder, "nsswitch.conf");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "nss_slow.c"), service, "-shared", "-fPIC");
        await File.WriteAllTextAsync(choice, "passwd: files pfaslow\ngroup: files\nshadow: files\n");
        await using DaemonProcess daemon = await ApartDaemon.StartAsync(
            folder, configuration, $"bind {choice} /etc/nsswitch.conf", $"set LD_LIBRARY_PATH={folder}");

        // The service is called: it answers at once that it does not know other users.
        Assert.Equal(ReplyCode.UnknownUser, (await RawClient.RunAsync(daemon, "id", user: "pfa-nobody")).End.Code);

        Task<FramedReply>[] hung = [
            .. ((string[])["pfaslow", "pfaslow", "pfaslow2", "3999999999"]).Select(user => RawClient.RunAsync(daemon, "id", user: user))];
        for (int i = 0; i < 50; i++)
            Assert.Equal(
                ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: i % 2 == 0 ? TestUsers.Alice : TestUsers.Bob)).End.Code);
        Assert.All(hung, reply => Assert.False(reply.IsCompleted));

        Assert.All(
            await Task.WhenAll(hung),
            reply => Assert.Equal(
                (ReplyCode.Internal, "the user database did not answer within 2 s"), (reply.End.Code, reply.End.Message)));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }
}
