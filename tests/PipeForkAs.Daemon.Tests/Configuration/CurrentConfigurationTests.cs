using PipeForkAs.Daemon.Configuration;

namespace PipeForkAs.Daemon.Tests.Configuration;

public sealed class CurrentConfigurationTests
{
    [Fact]
    public void A_reload_replaces_the_whole_configuration_at_once()
    {
        var former = new DaemonOptions { Limits = { MaxJobs = 1, OutputLimit = 2 }, Policy = { MinimumUid = 3 } };
        var configuration = new CurrentConfiguration(former);
        LimitOptions granted = configuration.Limits;
        var fresh = new DaemonOptions { Limits = { MaxJobs = 4 } };
        configuration.Replace(fresh);

        Assert.Equal((fresh, fresh.Limits, fresh.Policy), (configuration.Value, configuration.Limits, configuration.Policy));
        Assert.Equal((1, 2L, 3U), (granted.MaxJobs, granted.OutputLimit!.Value, former.Policy.MinimumUid));
    }
}
