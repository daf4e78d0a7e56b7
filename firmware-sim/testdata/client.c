/* A Modbus master by libmodbus: client rtu DEVICE BAUD UNIT | client tcp HOST PORT UNIT. It reads the voltage of an Eastron meter
   (input registers 0 and 1, a float), then what the meter must refuse, and prints both. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	modbus_t *m = strcmp(argv[1], "tcp") == 0 ? modbus_new_tcp(argv[2], atoi(argv[3]))
	                                          : modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1);
	if (m == NULL || modbus_set_slave(m, atoi(argv[4])) != 0)
		return 3;
	modbus_set_response_timeout(m, 2, 0);
	if (modbus_connect(m) != 0) {
		fprintf(stderr, "connect: %s\n", modbus_strerror(errno));
		return 4;
	}
	uint16_t r[2];
	for (int i = 0; i < 3; i++) {
		if (modbus_read_input_registers(m, 0, 2, r) != 2) {
			fprintf(stderr, "read: %s\n", modbus_strerror(errno));
			return 5;
		}
	}
	printf("%.1f\n", modbus_get_float_abcd(r));
	if (modbus_read_input_registers(m, 9000, 2, r) != -1)
		return 6;
	printf("%s\n", modbus_strerror(errno));
	modbus_close(m);
	modbus_free(m);
	return 0;
}
