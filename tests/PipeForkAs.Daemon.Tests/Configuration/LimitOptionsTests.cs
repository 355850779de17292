using System.Reflection;
using PipeForkAs.Daemon.Configuration;
using Xunit;

namespace PipeForkAs.Daemon.Tests.Configuration;

public sealed class LimitOptionsTests
{
    [Fact]
    public void A_reload_takes_over_every_limit_but_those_of_the_start()
    {
        var fresh = new LimitOptions();
        foreach (PropertyInfo property in typeof(LimitOptions).GetProperties())
            property.SetValue(fresh, Other(property.GetValue(fresh), property.PropertyType));

        var taken = new LimitOptions();
        taken.Take(fresh);

        string[] kept = [.. typeof(LimitOptions).GetProperties().Where(property => !Equals(property.GetValue(taken), property.GetValue(fresh))).Select(property => property.Name)];
        Assert.Equal([nameof(LimitOptions.Cgroup)], kept);
    }

    private static object Other(object? value, Type type) => value switch
    {
        int number => number + 1,
        TimeSpan time => time + TimeSpan.FromSeconds(1),
        string text => text + "x",
        WorkerLimitOptions => new WorkerLimitOptions(),
        null when type == typeof(long?) => 1L,
        _ => throw new NotSupportedException($"what is another {type}?"),
    };
}
