using Microsoft.Extensions.DependencyInjection;

namespace PipeForkAs.Client.Tests;

/// <summary>Tests that a program which depends on <see cref="IPipeForkAsClient"/> can be tested without a daemon.</summary>
public sealed class DoubleTests
{
    [Fact]
    public async Task Typed_calls_work_with_a_test_double()
    {
        FakeClient client = new(_ => Output("""{"Text":"hi"}"""));

        TypedCallTests.Greeted greeted = await client.RunAsync(
            "greet",
            new TypedCallTests.Greeting("a"),
            TypedCallTests.Json.Default.Greeting,
            TypedCallTests.Json.Default.Greeted,
            user: "bob");

        Assert.Equal("hi", greeted.Text);
        JobRequest request = Assert.Single(client.Requests);
        Assert.Equal(("greet", "bob"), (request.Job, request.User));
        Assert.Equal("""{"Name":"a"}"""u8, request.Arguments.Span);
    }

    [Fact]
    public async Task Lines_and_failures_work_with_a_test_double()
    {
        Assert.Equal(["a", "b"], await PanelAsync(new FakeClient(_ => Output("a\nb\n"))));

        FakeClient failing = new(_ => new JobOutput(default, default, new JobResult { Code = ReplyCode.Busy }));
        Assert.Equal(ReplyCode.Busy, (await Assert.ThrowsAsync<JobFailedException>(() => PanelAsync(failing))).Code);
    }

    [Fact]
    public void The_client_is_a_singleton_service()
    {
        using ServiceProvider services = new ServiceCollection()
            .AddPipeForkAsClient("/run/x.sock", daemonUid: 65534).BuildServiceProvider();

        var client = Assert.IsType<PipeForkAsClient>(services.GetRequiredService<IPipeForkAsClient>());
        Assert.Equal(("/run/x.sock", 65534u), (client.SocketPath, client.DaemonUid));
        Assert.Same(client, services.GetRequiredService<IPipeForkAsClient>());
    }

    [Fact]
    public void The_service_expects_the_daemon_of_root_by_default()
    {
        using ServiceProvider services = new ServiceCollection().AddPipeForkAsClient().BuildServiceProvider();

        var client = Assert.IsType<PipeForkAsClient>(services.GetRequiredService<IPipeForkAsClient>());
        Assert.Equal((new PipeForkAsClient().SocketPath, 0u), (client.SocketPath, client.DaemonUid));
    }

    [Fact]
    public void An_already_registered_test_double_is_kept()
    {
        FakeClient fake = new(_ => Output(""));
        using ServiceProvider services = new ServiceCollection()
            .AddSingleton<IPipeForkAsClient>(fake).AddPipeForkAsClient().BuildServiceProvider();

        Assert.Same(fake, services.GetRequiredService<IPipeForkAsClient>());
    }

    private static JobOutput Output(string text) =>
        new(System.Text.Encoding.UTF8.GetBytes(text), default, new JobResult { Code = ReplyCode.Ok, ExitCode = 0 });

    /// <summary>Represents the code of a program.</summary>
    private static async Task<List<string>> PanelAsync(IPipeForkAsClient client)
    {
        List<string> users = [];
        await foreach (string user in client.ReadLinesAsync(new JobRequest("list-users")))
            users.Add(user);
        return users;
    }
}
