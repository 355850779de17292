using PipeForkAs.Daemon.Reloading;

namespace PipeForkAs.Daemon.Tests.Reloading;

public sealed class ChangedKeysTests
{
    [Fact]
    public void Many_changed_keys_of_a_section_are_counted_and_few_are_named()
    {
        string[] rules = [.. Enumerable.Range(0, 30).Select(number => $"Policy:Rules:{number}:Name")];
        Assert.Equal(
            ["Limits:MaxJobs", "Policy:MinimumUid", "Policy:Rules (30 keys)"],
            ChangedKeys.Summary(["Limits:MaxJobs", "Policy:MinimumUid", .. rules]));
        Assert.Equal(rules[..4], ChangedKeys.Summary(rules[..4]));
        Assert.Empty(ChangedKeys.Summary([]));
    }
}
