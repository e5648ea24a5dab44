using System.Buffers.Binary;
using System.Net;
using Cage.Engine.State;
using Cage.Engine.Store;
using Cage.Interop;

namespace Cage.Engine.Network;

/// <summary>The addresses that private networks of a store's cages get. The first is the host's end of all of them.</summary>
internal sealed class AddressPool(StoreSettings settings)
{
    private readonly IPNetwork _network = IPNetwork.Parse(settings.Pool);

    /// <summary>The host's end, the same for each cage.</summary>
    public string Gateway => Text(First + 1);

    /// <summary>Waits for its turn to give out what each cage of the store has for itself, an address or a range of ids; null where the cage has neither.</summary>
    public static Descriptor? TakeTurn(StoreSettings settings, CageNetwork network, CagePrivileges privileges, CancellationToken cancellation = default)
    {
        if (network.Mode != NetworkMode.Private && privileges.UserNamespace is null) return null;
        RunFolder.Ensure(settings);
        Descriptor folder = Files.Open(settings.Run, Files.O_RDONLY | Files.O_DIRECTORY);
        try
        {
            LockWait.For(folder, cancellation);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private uint First => BinaryPrimitives.ReadUInt32BigEndian(_network.BaseAddress.GetAddressBytes());

    /// <summary>The network with an address of its own when it is private: the one it has, or the first that no other cage has.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: the address is another's, or none is free.</exception>
    public CageNetwork Assign(CageNetwork network, Guid id, IEnumerable<CageRecord> others)
    {
        if (network.Mode != NetworkMode.Private) return network with { Address = null };
        Dictionary<string, string> taken = [];
        foreach (CageRecord other in others)
            if (other.Id != id && other.Network.Address is string used) taken.TryAdd(used, $"\"{other.Name}\" ({other.Id})");
        // Of those that are not kept, and of other stores.
        foreach (var (address, owner) in PrivateNetwork.Routes())
            if (owner != new PrivateNetwork(id).Interface) taken.TryAdd(address, $"what is behind {owner}");
        if (network.Address is string wished)
        {
            if (wished == Gateway) throw new CageException(CageError.CageArgumentInvalid, $"{wished} is the host's own end of the private networks.", "Choose another address.", wished);
            return taken.TryGetValue(wished, out string? owner)
                ? throw new CageException(CageError.CageArgumentInvalid, $"{wished} is the address of {owner}.", "Choose another address, or leave it out.", wished)
                : network;
        }
        uint last = First + (uint)((1UL << (32 - _network.PrefixLength)) - 2);
        for (uint address = First + 2; address <= last; address++)
            if (!taken.ContainsKey(Text(address))) return network with { Address = Text(address) };
        throw new CageException(CageError.CageArgumentInvalid, $"All addresses of the pool {settings.Pool} are taken.", "Give the cage an address, or name a larger pool with pool= in the global cage.conf.");
    }

    private static string Text(uint address)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }
}
