using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Accounts;

public sealed class AccountGateTests
{
    private static readonly Account Alice = new("alice", 1001, 1001, [1001], "/home/alice", "/bin/sh");

    [Fact]
    public Task Shell_shadow_and_pam_must_all_let_an_account_pass() => OnLoopAsync(async loop =>
    {
        var asked = new List<string>();
        var options = new DaemonOptions { Policy = { PamService = "service" } };
        var gate = new AccountGate(loop, options, name => name == "old" ? new ShadowEntry(1, -1, -1, 1) : null, (service, name) =>
        {
            asked.Add($"{service} {name}");
            return Task.FromResult(name == "barred" ? "barred (6)" : null);
        });

        await gate.PassAsync(Alice);
        Assert.Contains("shell", (await Assert.ThrowsAsync<RefusedException>(async () => await gate.PassAsync(Alice with { Name = "closed", Shell = "/bin/false" }))).Message);
        Assert.Contains("expired", (await Assert.ThrowsAsync<RefusedException>(async () => await gate.PassAsync(Alice with { Name = "old" }))).Message);
        Assert.Contains("barred (6)", (await Assert.ThrowsAsync<RefusedException>(async () => await gate.PassAsync(Alice with { Name = "barred" }))).Message);
        Assert.Equal(["service alice", "service barred"], asked);
    });

    [Fact]
    public Task An_answer_of_the_shadow_database_is_used_again_for_a_time() => OnLoopAsync(async loop =>
    {
        int asked = 0;
        var options = new DaemonOptions { Limits = { LookupCacheTime = TimeSpan.FromMinutes(1) } };
        var gate = new AccountGate(loop, options, _ => ++asked > 1 ? new ShadowEntry(1, -1, -1, 1) : null, (_, _) => Task.FromResult<string?>(null));

        await gate.PassAsync(Alice);
        await gate.PassAsync(Alice);
        Assert.Equal(1, asked);
        await Assert.ThrowsAsync<RefusedException>(async () => await gate.PassAsync(Alice with { Name = "bob" }));

        options.Limits.LookupCacheTime = TimeSpan.Zero;
        var fresh = new AccountGate(loop, options, _ => ++asked > 3 ? new ShadowEntry(1, -1, -1, 1) : null, (_, _) => Task.FromResult<string?>(null));
        await fresh.PassAsync(Alice);
        await Assert.ThrowsAsync<RefusedException>(async () => await fresh.PassAsync(Alice));
    });

    [Fact]
    public Task Where_both_are_switched_off_nobody_is_asked() => OnLoopAsync(async loop =>
    {
        var options = new DaemonOptions { Policy = { RefuseDisabledAccounts = false } };
        var gate = new AccountGate(loop, options, _ => throw new InvalidOperationException("shadow"), (_, _) => throw new InvalidOperationException("PAM"));
        await gate.PassAsync(Alice with { Shell = "/bin/false" });
    });

    [Fact]
    public Task A_database_that_hangs_is_no_consent_and_takes_only_so_many_threads_and_who_waits_has_its_turn() => OnLoopAsync(async loop =>
    {
        using var answer = new ManualResetEventSlim();
        int asked = 0;
        var options = new DaemonOptions { Limits = { LookupTimeout = TimeSpan.FromMilliseconds(1) } };
        var gate = new AccountGate(loop, options, _ =>
        {
            Interlocked.Increment(ref asked);
            answer.Wait();
            return null;
        }, (_, _) => Task.FromResult<string?>(null));

        for (int i = 0; i < 20; i++)
            Assert.Contains("did not answer within", (await Assert.ThrowsAsync<UserLookupException>(async () => await gate.PassAsync(Alice))).Message);

        options.Limits.LookupTimeout = TimeSpan.FromMinutes(1);
        Task[] patient = [.. Enumerable.Range(0, 30).Select(i => gate.PassAsync(Alice with { Name = $"patient-{i}" }).AsTask())];
        while (Volatile.Read(ref asked) < 16)
            await loop.DelayAsync(TimeSpan.FromMilliseconds(1));
        await loop.DelayAsync(TimeSpan.FromMilliseconds(20));
        Assert.Equal(16, Volatile.Read(ref asked));
        Assert.DoesNotContain(patient, task => task.IsCompleted);

        answer.Set();
        await Task.WhenAll(patient);
        Assert.Equal(16 + 30, asked);
    });

    private static async Task OnLoopAsync(Func<Loop, Task> test)
    {
        using var thread = new LoopThread();
        await thread.RunAsync(() => test(thread.Loop));
        Assert.Empty(thread.Failures);
    }
}
