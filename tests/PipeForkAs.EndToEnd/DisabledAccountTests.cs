using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>No job runs as somebody who could not log in any more.</summary>
public sealed class DisabledAccountTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("--shell", "/usr/sbin/nologin", "its shell is /usr/sbin/nologin")]
    [InlineData("--shell", "/bin/false", "its shell is /bin/false")]
    [InlineData("--expiredate", "2001-02-03", "it expired on day 11356 since 1970-01-01")]
    [InlineData("--expiredate", "1", "it expired on day 1 since 1970-01-01")]
    public async Task A_disabled_account_is_refused_with_the_reason_and_runs_again_when_it_is_not(string option, string value, string reason)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await Tool.MustAsync("usermod", option, value, TestUsers.Bob);
        try
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);

            Assert.Equal((ReplyCode.Denied, null, ""), (reply.End.Code, reply.End.Pid, reply.Text));
            Assert.Contains($"the account \"{TestUsers.Bob}\" is disabled: {reason}", reply.End.Message);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("--lock", null)]
    [InlineData("--expiredate", "2999-01-01")]
    public async Task A_locked_password_alone_is_how_accounts_with_keys_look_and_a_date_to_come_is_none(string option, string? value)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await Tool.MustAsync(["usermod", option, .. value is null ? Array.Empty<string>() : [value], TestUsers.Bob]);
        try
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_switch_lets_disabled_accounts_pass()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Policy"] = new JsonObject { ["RefuseDisabledAccounts"] = false });
        await Tool.MustAsync("usermod", "--expiredate", "1", "--shell", "/usr/sbin/nologin", TestUsers.Bob);
        try
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Pam_decides_for_each_account_and_a_module_that_hangs_delays_only_who_needs_it()
    {
        using var service = new PamService(own =>
        {
            File.WriteAllText(own.Program, $"#!/bin/sh\n[ -e {own.Hang} ] && exec sleep 1000\nexit 1\n");
            File.SetUnixFileMode(own.Program, (UnixFileMode)0x1ED); // 0755
            return $"account [success=ignore default=1] pam_succeed_if.so quiet user = {TestUsers.Bob}\n"
                + $"account required pam_exec.so quiet {own.Program}\n"
                + "account required pam_permit.so\n";
        });
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            c["Policy"] = new JsonObject { ["PamService"] = service.Name };
            c["Limits"]!["LookupTimeout"] = "00:00:01";
        });

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        FramedReply refused = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
        Assert.Equal((ReplyCode.Denied, null), (refused.End.Code, refused.End.Pid));
        Assert.Contains($"the account \"{TestUsers.Bob}\" is refused by the PAM service \"{service.Name}\": ", refused.End.Message);

        await File.WriteAllTextAsync(service.Hang, "");
        Task<FramedReply> hangs = RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(ReplyCode.Internal, (await hangs).End.Code);
        Assert.Contains("PAM did not answer within 1 s", (await hangs).End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_pam_service_that_there_is_not_fails_the_start()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Policy"] = new JsonObject { ["PamService"] = "pfa-none" };
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);

        Assert.Equal(78, await daemon.EndedAsync());
        Assert.Contains("Policy:PamService: there is no PAM service \"pfa-none\"", daemon.Log);
    }

    private static Task<string> RestoreAsync() => Tool.MustAsync("usermod", "--expiredate", "", "--shell", "/bin/bash", TestUsers.Bob);
}
