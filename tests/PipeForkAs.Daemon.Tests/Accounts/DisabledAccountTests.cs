using PipeForkAs.Daemon.Accounts;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Accounts;

public sealed class DisabledAccountTests
{
    private static readonly DateOnly Day20000 = new(2024, 10, 4);

    [Theory]
    [InlineData("/usr/sbin/nologin", true)]
    [InlineData("/sbin/nologin", true)]
    [InlineData("/bin/false", true)]
    [InlineData("/bin/bash", false)]
    [InlineData("/opt/nologin/sh", false)]
    [InlineData("", false)]
    public void A_shell_that_permits_no_login_disables_an_account(string shell, bool disabled) =>
        Assert.Equal(disabled, DisabledAccount.ShellProblem(shell) is not null);

    [Theory]
    [InlineData(-1, 99999, -1, -1, false)]
    [InlineData(19000, -1, -1, 20001, false)]
    [InlineData(19000, -1, -1, 20000, true)]
    [InlineData(19000, -1, -1, 19999, true)]
    [InlineData(19000, -1, -1, 0, true)]
    [InlineData(19900, 90, 10, -1, false)]
    [InlineData(19899, 90, 10, -1, true)]
    [InlineData(19899, 90, -1, -1, false)]
    [InlineData(19899, -1, 10, -1, false)]
    [InlineData(0, 90, 10, -1, false)]
    public void Days_are_counted_as_in_pam_unix(long lastChange, long maximumAge, long inactive, long expires, bool disabled) =>
        Assert.Equal(
            disabled, DisabledAccount.ShadowProblem(new ShadowEntry(lastChange, maximumAge, inactive, expires), Day20000) is not null);

    [Fact]
    public void An_account_without_a_shadow_entry_has_not_expired() => Assert.Null(DisabledAccount.ShadowProblem(null, Day20000));
}
