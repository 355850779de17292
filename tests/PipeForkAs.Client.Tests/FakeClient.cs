namespace PipeForkAs.Client.Tests;

/// <summary>A client without a daemon, as in the tests of a program: a function provides its results.</summary>
internal sealed class FakeClient(Func<JobRequest, JobOutput> answer) : IPipeForkAsClient
{
    /// <summary>The requests of the program, in order.</summary>
    public List<JobRequest> Requests { get; } = [];

    public async Task<JobResult> RunAsync(
        JobRequest request,
        Stream? input = null,
        Stream? output = null,
        Stream? error = null,
        CancellationToken cancellationToken = default)
    {
        JobOutput all = await CaptureAsync(request, input, cancellationToken: cancellationToken);
        await (output ?? Stream.Null).WriteAsync(all.Stdout, cancellationToken);
        await (error ?? Stream.Null).WriteAsync(all.Stderr, cancellationToken);
        return all.Result;
    }

    public Task<JobOutput> CaptureAsync(
        JobRequest request,
        Stream? input = null,
        int limit = PipeForkAsClient.DefaultCaptureBytes,
        CancellationToken cancellationToken = default)
    {
        Requests.Add(request);
        return Task.FromResult(answer(request));
    }

    public async Task<Stream> OpenReadAsync(
        JobRequest request, Stream? input = null, Stream? error = null, CancellationToken cancellationToken = default)
    {
        JobOutput all = await CaptureAsync(request, input, cancellationToken: cancellationToken);
        return new MemoryStream(all.EnsureSuccess().Stdout.ToArray());
    }

    public Task<IReadOnlyList<JobDescription>> ListAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<JobDescription> DescribeAsync(string job, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<CheckResult> CheckAsync(JobRequest request, string? caller = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<DaemonStatus> StatusAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task CancelAsync(long id, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<SignInTicket> SignInAsync(string user, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task SignOutAsync(string ticket, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
