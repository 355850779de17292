using PipeForkAs.Client;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.Accounts;

public sealed class SignInFailuresTests
{
    private readonly ManualTime time = new();
    private readonly SignInFailures failures;

    public SignInFailuresTests()
    {
        var options = new DaemonOptions
        {
            Policy = { SignIn = { MaxFailures = 3, MaxCallerFailures = 6, FailureWindow = TimeSpan.FromMinutes(1) } },
        };
        failures = new SignInFailures(time, new CurrentConfiguration(options));
    }

    [Fact]
    public void Failures_are_limited_by_caller_and_user_until_the_window_ends()
    {
        Fail(TestCallers.Alice, "carol", 3);
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.Contains("3 attempts to sign \"carol\" in failed", Refusal(TestCallers.Alice, "carol"));
        Assert.Contains("try again in 40 s", Refusal(TestCallers.Alice, "carol"));
        Fail(TestCallers.Alice, "dave", 1);
        Fail(TestCallers.Bob, "carol", 1);

        time.Advance(TimeSpan.FromSeconds(40));
        Fail(TestCallers.Alice, "carol", 3);
        Assert.Contains("failed", Refusal(TestCallers.Alice, "carol"));
    }

    [Fact]
    public void Failures_of_a_caller_with_many_users_are_limited_and_do_not_limit_other_callers()
    {
        for (int i = 0; i < 6; i++)
            Fail(TestCallers.Alice, $"user-{i}", 1);
        Assert.Contains("6 attempts of this caller failed", Refusal(TestCallers.Alice, "carol"));
        Fail(TestCallers.Bob, "carol", 1);
    }

    [Fact]
    public void Attempts_in_progress_count_and_end_with_their_attempt()
    {
        SignInFailures.Attempt[] all = [.. Enumerable.Range(0, 3).Select(_ => failures.Begin(TestCallers.Alice, "carol"))];
        Assert.Contains("3 are in progress", Refusal(TestCallers.Alice, "carol"));
        all[0].Dispose();
        all[0].Dispose();
        using (failures.Begin(TestCallers.Alice, "carol"))
            Assert.Contains("3 are in progress", Refusal(TestCallers.Alice, "carol"));
    }

    [Fact]
    public void A_success_forgets_the_failures_with_its_user_and_not_those_of_the_caller()
    {
        Fail(TestCallers.Alice, "carol", 2);
        using (SignInFailures.Attempt attempt = failures.Begin(TestCallers.Alice, "carol"))
            attempt.Succeed();
        Fail(TestCallers.Alice, "carol", 3);
        Fail(TestCallers.Alice, "dave", 1);
        Assert.Contains("of this caller", Refusal(TestCallers.Alice, "eve"));
    }

    private void Fail(Bucket caller, string user, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using SignInFailures.Attempt attempt = failures.Begin(caller, user);
            attempt.Fail();
        }
    }

    private string Refusal(Bucket caller, string user)
    {
        var refused = Assert.Throws<RefusedException>(() => failures.Begin(caller, user));
        Assert.Equal(ReplyCode.Busy, refused.Code);
        return refused.Message;
    }
}
