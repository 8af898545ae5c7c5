BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'s');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'weight.layer0.a',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,1,'weight.layer0.b',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'weight.layer1.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'weight.layer1.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,1,'weight.layer2.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'weight.layer2.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,1,'lambda.outer',-0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(9,2,'weight.layer0.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(10,2,'weight.layer0.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(11,2,'weight.layer1.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(12,2,'weight.layer1.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(13,2,'weight.layer2.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(14,2,'weight.layer2.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(15,2,'lambda.outer',-9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(16,2,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(17,3,'weight.layer0.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,3,'weight.layer0.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(19,3,'weight.layer1.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,3,'weight.layer1.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(21,3,'weight.layer2.a',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,3,'weight.layer2.b',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(23,3,'lambda.outer',9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(24,3,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(25,4,'weight.layer0.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(26,4,'weight.layer0.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(27,4,'weight.layer1.a',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(28,4,'weight.layer1.b',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(29,4,'weight.layer2.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(30,4,'weight.layer2.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(31,4,'lambda.outer',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(32,4,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(33,5,'weight.layer0.a',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(34,5,'weight.layer0.b',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(35,5,'weight.layer1.a',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(36,5,'weight.layer1.b',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(37,5,'weight.layer2.a',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,5,'weight.layer2.b',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(39,5,'lambda.outer',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(40,5,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(41,6,'weight.layer0.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(42,6,'weight.layer0.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(43,6,'weight.layer1.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(44,6,'weight.layer1.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(45,6,'weight.layer2.a',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(46,6,'weight.layer2.b',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(47,6,'lambda.outer',0.7,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(48,6,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(49,7,'weight.layer0.a',2.97268839079099234101e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,7,'weight.layer0.b',0.749493990930325,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(51,7,'weight.layer1.a',1.27592588446988,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,7,'weight.layer1.b',8.32011581781625153553e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(53,7,'weight.layer2.a',1.6646330929531656384e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(54,7,'weight.layer2.b',1.74789963668239867189e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(55,7,'lambda.outer',3.60778654529894104996e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(56,7,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(57,8,'weight.layer0.a',4.12271935890777374567e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(58,8,'weight.layer0.b',4.92752258415856791984e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(59,8,'weight.layer1.a',1.4131899200988451426e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(60,8,'weight.layer1.b',1.82098151193883306397e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(61,8,'weight.layer2.a',1.80838458910081278929e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(62,8,'weight.layer2.b',1.45876878301609158583e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(63,8,'lambda.outer',9.92905216864321316094e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(64,8,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(65,9,'weight.layer0.a',5.08599475979851556317e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(66,9,'weight.layer0.b',3.80974618191311897863e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(67,9,'weight.layer1.a',1.06911279681520943185e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(68,9,'weight.layer1.b',1.35551414114454482628e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(69,9,'weight.layer2.a',1.14697952885227016928e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(70,9,'weight.layer2.b',2.30545368197539080057e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(71,9,'lambda.outer',2.17885937416437913682e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(72,9,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(73,10,'weight.layer0.a',1.34721518252528982273e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,10,'weight.layer0.b',5.32665947062674671741e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(75,10,'weight.layer1.a',8.6304955651259085414e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(76,10,'weight.layer1.b',1.30678613687921330033e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(77,10,'weight.layer2.a',1.79816302241958236862e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,10,'weight.layer2.b',1.138763493445391628e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,10,'lambda.outer',9.55952702751654559421e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(80,10,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(81,11,'weight.layer0.a',4.10826695815585063442e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,11,'weight.layer0.b',4.0905312479345912191e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,11,'weight.layer1.a',5.75255595831072108481e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,11,'weight.layer1.b',6.72273851313400561124e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(85,11,'weight.layer2.a',1.27060288832900880606e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(86,11,'weight.layer2.b',1.45732424834256635293e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(87,11,'lambda.outer',2.19503696138199311249e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(88,11,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(89,12,'weight.layer0.a',6.50810630608458895451e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(90,12,'weight.layer0.b',3.34451346484060940689e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(91,12,'weight.layer1.a',1.35326559656785860852e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(92,12,'weight.layer1.b',1.28962967251969207183e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(93,12,'weight.layer2.a',1.09568612954262967207e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(94,12,'weight.layer2.b',1.10340008870255479322e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(95,12,'lambda.outer',2.40621132088584044339e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(96,12,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(97,13,'weight.layer0.a',2.82697189827512629367e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(98,13,'weight.layer0.b',4.28213251307355879937e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(99,13,'weight.layer1.a',7.51103594650710859603e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(100,13,'weight.layer1.b',3.19911542759353351161e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(101,13,'weight.layer2.a',1.37796009713626910198e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(102,13,'weight.layer2.b',7.29974905252250061415e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(103,13,'lambda.outer',3.12614127388699647447e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(104,13,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(105,14,'weight.layer0.a',3.80652397325250135828e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(106,14,'weight.layer0.b',4.4053177120063929939e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(107,14,'weight.layer1.a',1.07975738091141,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(108,14,'weight.layer1.b',9.63972364505593648509e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(109,14,'weight.layer2.a',1.02592227716853034991e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(110,14,'weight.layer2.b',2.63954910454622715398e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(111,14,'lambda.outer',5.32508717747619542137e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(112,14,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(113,15,'weight.layer0.a',2.52147368252385262188e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(114,15,'weight.layer0.b',3.64627105169349263746e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(115,15,'weight.layer1.a',3.39951538617940474118e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"weight.layer0.a": 0.1, "weight.layer0.b": 0.1, "weight.layer1.a": 0.2, "weight.layer1.b": 0.2, "weight.layer2.a": 0.3, "weight.layer2.b": 0.3, "lambda.outer": -0.3, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"weight.layer0.a": 0.2, "weight.layer0.b": 0.2, "weight.layer1.a": 0.4, "weight.layer1.b": 0.4, "weight.layer2.a": 0.6, "weight.layer2.b": 0.6, "lambda.outer": -0.09999999999999998, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{"weight.layer0.a": 0.3, "weight.layer0.b": 0.3, "weight.layer1.a": 0.6, "weight.layer1.b": 0.6, "weight.layer2.a": 0.9, "weight.layer2.b": 0.9, "lambda.outer": 0.09999999999999998, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'fixed_params','{"weight.layer0.a": 0.4, "weight.layer0.b": 0.4, "weight.layer1.a": 0.8, "weight.layer1.b": 0.8, "weight.layer2.a": 1.2, "weight.layer2.b": 1.2, "lambda.outer": 0.30000000000000004, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'fixed_params','{"weight.layer0.a": 0.5, "weight.layer0.b": 0.5, "weight.layer1.a": 1.0, "weight.layer1.b": 1.0, "weight.layer2.a": 1.5, "weight.layer2.b": 1.5, "lambda.outer": 0.5, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'fixed_params','{"weight.layer0.a": 0.6, "weight.layer0.b": 0.6, "weight.layer1.a": 1.2, "weight.layer1.b": 1.2, "weight.layer2.a": 1.8, "weight.layer2.b": 1.8, "lambda.outer": 0.7, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(7,2,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(8,3,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(9,4,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(10,5,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(11,6,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(12,7,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(13,8,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(14,9,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(15,10,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(16,11,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(17,12,'cma:generation','0');
INSERT INTO "trial_system_attributes" VALUES(18,13,'cma:optimizer:0','"800495690a0000000000008c0a636d6165732e5f636d61948c03434d419493942981947d94288c065f6e5f64696d944b078c085f706f7073697a65944b098c035f6d75944b048c075f6d755f656666948c166e756d70792e5f636f72652e6d756c74696172726179948c067363616c61729493948c056e756d7079948c0564747970659493948c02663894898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494624308717d02f691b9064094869452948c035f636394680b681143083b180d8555dfd73f94869452948c035f633194680b681143080dd1dd01208d9c3f94869452948c045f636d7594680b681143089dc770cd16229d3f94869452948c085f635f7369676d6194680b681143085f3aa8d905e0d43f94869452948c085f645f7369676d6194680b68114308980e6a760138f53f94869452948c035f636d944b018c065f6368695f6e944740046e3f257a99d08c085f776569676874739468098c0c5f7265636f6e737472756374949394680c8c076e6461727261799493944b0085944301629487945294284b014b09859468118943487cd204da6899df3f10dea0917dfdd13fa0cb3a960e0fc43f8ca6f3244986b13f00000000000000009bbbe7681e4fcdbff6d7a129750bdbbf1c3fd45b8ae3e2bf780d0b05549fe7bf947494628c085f705f7369676d6194682f68314b008594683387945294284b014b0785946811894338c81ccbbdf7c1f8bf334fa0ea5481f5bf3fa040efa320f8bf471f5c661c9af7bf5303d5b21df4f6bf29cd4e87b49af7bf707b1bdccd6af6bf947494628c035f706394682f68314b008594683387945294284b014b07859468118943380000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000947494628c055f6d65616e94682f68314b008594683387945294284b014b0785946811894338be9890bb14bfd23fe42ea166d17cd43f1c94b4da7115d33f24d45773765dd33f3c47e33c53b6d33fb27eda02255dd33fd8094927d5ffd33f947494628c055f635f316494682f68314b008594683387945294284b014b1c859468118943e0d9b112a52529f03fb7fdc411d6bda63f483249240a1ba13fd200dd49f20c953fa4ae6d492054743f2c453eb87a968e3fc480e024980fb23f128ba54e94a0f03fdd5fe950ced2aa3f371a1004af3eae3ffedbd24e1994aa3f35727b325bfda63f9727bd7a7680a33f5c0916482d6af03f8a447b1bfc2d9f3f6aab5544507baf3f45803f1e36e8983feb9f7496d8baac3fd1480e4df68bf03ffbca89a39b292fbf6d853daa5ef19b3f6a5c416ba4889a3f85008836cf4fee3fd0944aff21ffa03fca690df8ccb96e3f1e6c7f14e89df03f92d8fb61d46ba"');
INSERT INTO "trial_system_attributes" VALUES(19,13,'cma:optimizer:1','"f3f779bcb6140e6ef3f947494628c065f7369676d6194680b68114308c603d2a5712dc83f94869452948c025f44944e8c025f42944e8c075f626f756e647394682f68314b008594683387945294284b014b074b02869468118943700000000000000000000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000f03f0000000000000000000000000000f03f947494628c115f6e5f6d61785f726573616d706c696e67944b468c025f67944b018c095f6c725f616461707494898c065f616c70686194473ff66666666666668c0a5f626574615f6d65616e94473fb999999999999a8c0b5f626574615f5369676d6194473f9eb851eb851eb88c065f67616d6d6194473fb999999999999a8c065f456d65616e94682f68314b008594683387945294284b014b074b01869468118943380000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000947494628c075f455369676d6194682f68314b008594683387945294284b014b314b01869468118942880100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000947494628c065f566d65616e944700000000000000008c075f565369676d61944700000000000000008c095f6574615f6d65616e94473ff00000000000008c0a5f6574615f5369676d6194473ff00000000000008c055f746f6c7894680b6811430816383daccc74473d94869452948c075f746f6c787570944740c38800000000008c075f746f6c66756e94473d719799812dea118c105f746f6c636f6e64697469"');
INSERT INTO "trial_system_attributes" VALUES(20,13,'cma:optimizer:2','"6f6e636f76944742d6bcc41e9000008c0d5f66756e686973745f7465726d944b228c0f5f66756e686973745f76616c75657394682f68314b008594683387945294284b014b4485946811894220020000001f1f57f27f000050a95258c5550000ec51b81e85ebd13ff91387f7d4661e40a2d7ee76afabe23f11ccea4d143410405c897b9fe8fbdc3fe1d2f1baaf921e40901eec46f27f0000603c7557f27f0000b061ec46f27f00003060ec46f27f0000603c7557f27f0000f011ee46f27f0000603c7557f27f0000900cec46f27f00003041ec46f27f0000603c7557f27f0000b073ec46f27f0000b0c5ea46f27f000030c7ea46f27f000030eaea46f27f0000603c7557f27f00003000ee46f27f0000603c7557f27f000030c9ea46f27f0000d02c0847f27f0000603c7557f27f0000b0cdea46f27f0000f004ee46f27f0000603c7557f27f0000b0e2ea46f27f0000b0c7ea46f27f00004101000000000000c01c1f57f27f0000c01c1f57f27f0000603c7557f27f0000b0c6ea46f27f0000b00aec46f27f000030dfea46f27f000030deea46f27f0000b0dcea46f27f0000b0caea46f27f00007007ee46f27f0000603c7557f27f0000b014ee46f27f0000603c7557f27f0000f02b0847f27f0000b0ccea46f27f0000603c7557f27f000030e9ea46f27f000070210847f27f0000603c7557f27f0000a0ebed46f27f000020ea4e58c5550000603c7557f27f0000603c7557f27f0000810000000000000000b23958c5550000301d1f57f27f0000c0dfed46f27f0000501fec46f27f0000500dec46f27f000070eeed46f27f0000603c7557f27f00005016ec46f27f0000603c7557f27f000070f3ed46f27f00009474946275622e"');
INSERT INTO "trial_system_attributes" VALUES(21,13,'cma:generation','1');
INSERT INTO "trial_system_attributes" VALUES(22,14,'cma:generation','1');
INSERT INTO "trial_system_attributes" VALUES(23,15,'cma:generation','1');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,-2.5999999999999995337e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,-0.28,'FINITE');
INSERT INTO "trial_values" VALUES(3,4,0,-1.93999999999999972466e+00,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,-3.88,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,-6.46,'FINITE');
INSERT INTO "trial_values" VALUES(6,7,0,-5.39985084338496079681e+00,'FINITE');
INSERT INTO "trial_values" VALUES(7,8,0,-7.60042177926970285994e+00,'FINITE');
INSERT INTO "trial_values" VALUES(8,9,0,-6.50167673866876,'FINITE');
INSERT INTO "trial_values" VALUES(9,11,0,-2.52647764151036025026e+00,'FINITE');
INSERT INTO "trial_values" VALUES(10,12,0,-3.49508426869559363225e+00,'FINITE');
INSERT INTO "trial_values" VALUES(11,13,0,-1.56766445406701304676e+00,'FINITE');
INSERT INTO "trial_values" VALUES(12,14,0,-1.45745756662259062785e+00,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 14:40:18.369717','2026-11-27 14:40:18.565845');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 14:40:18.630162','2026-11-27 14:40:18.827825');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-27 14:40:18.869644','2026-11-27 14:40:19.039811');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-27 14:40:19.084214','2026-11-27 14:40:19.311818');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-27 14:40:19.348035','2026-11-27 14:40:19.555037');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-27 14:40:19.630946','2026-11-27 14:40:19.869928');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-27 14:40:19.907216','2026-11-27 14:40:20.131966');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-27 14:40:20.168384','2026-11-27 14:40:20.382906');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-27 14:40:20.425683','2026-11-27 14:40:20.665581');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-27 14:40:20.691480','2026-11-27 14:40:20.887737');
INSERT INTO "trials" VALUES(11,10,1,'COMPLETE','2026-11-27 14:40:20.929836','2026-11-27 14:40:21.135724');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-27 14:40:21.169625','2026-11-27 14:40:21.367982');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-27 14:40:21.393360','2026-11-27 14:40:21.648138');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-27 14:40:21.679679','2026-11-27 14:40:21.891883');
INSERT INTO "trials" VALUES(15,14,1,'RUNNING','2026-11-27 14:40:22.028131',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
