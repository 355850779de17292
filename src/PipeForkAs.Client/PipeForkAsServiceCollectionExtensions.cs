using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PipeForkAs.Client;

/// <summary>Registers the client with a program's services.</summary>
public static class PipeForkAsServiceCollectionExtensions
{
    /// <summary>Adds one <see cref="IPipeForkAsClient"/> for the whole program, unless one is already registered: a test registers its own
    /// first.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="socketPath">The socket's path; default as for <see cref="PipeForkAsClient.PipeForkAsClient(string)"/>.</param>
    /// <param name="daemonUid">
    /// The uid of the process that must listen at the socket; null for any. See <see cref="PipeForkAsClient.DaemonUid"/>.
    /// </param>
    public static IServiceCollection AddPipeForkAsClient(this IServiceCollection services, string? socketPath = null, uint? daemonUid = 0)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<IPipeForkAsClient>(_ => new PipeForkAsClient(socketPath) { DaemonUid = daemonUid });
        return services;
    }
}
