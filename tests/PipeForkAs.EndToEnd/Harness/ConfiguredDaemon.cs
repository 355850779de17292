using System.Text.Json.Nodes;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// A daemon that the tests of a class share, configured by a subclass. After the last test it must exit with 0 and leave nothing.
/// </summary>
public abstract class ConfiguredDaemon : IAsyncLifetime
{
    internal DaemonProcess Daemon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Daemon = await DaemonProcess.StartAsync(Configure);

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await using (Daemon)
            Assert.Equal(0, await Daemon.StopAsync());
        Assert.Empty(ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid, TestUsers.Entry(TestUsers.Bob).Uid]));
    }

    /// <summary>Changes the configuration of <see cref="DaemonProcess.Prepare"/>.</summary>
    protected virtual void Configure(JsonObject configuration)
    {
    }

    /// <summary>A configured command; parameters as <c>name:type</c>.</summary>
    protected static JsonObject Command(string[] words, params string[] parameters)
    {
        var command = new JsonObject { ["Command"] = Words(words), ["Parameters"] = new JsonObject() };
        foreach (string[] parameter in parameters.Select(text => text.Split(':')))
            command["Parameters"]![parameter[0]] = new JsonObject { ["Type"] = parameter[1] };
        return command;
    }

    /// <summary>A list of strings.</summary>
    protected static JsonArray Words(params string[] words) => new([.. words.Select(word => (JsonNode)word)]);
}
